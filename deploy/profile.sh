#!/usr/bin/env bash
# Where Cardea's CPU time goes, and what it allocates, under the loads of make bench (BENCH_SCENARIOS; 1-100 and 10-20 unless
# told otherwise). The profiles are left in artifacts/bench, for go tool pprof.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/bench scenarios=${BENCH_SCENARIOS:-1-100,10-20}
mkdir -p $out
go build -o $out/ ./services/standalone ./tools/loadtest ./tools/bench
$out/bench --cardea $out/standalone --load $out/loadtest --scenarios "$scenarios" --profiles $out "$@"
for s in ${scenarios//,/ }; do
	printf '\nCPU, %s\n' "$s"
	go tool pprof -top -nodecount 30 $out/standalone "$out/cpu-$s.pprof"
	printf '\nallocated, %s\n' "$s"
	go tool pprof -top -nodecount 15 -sample_index alloc_space $out/standalone "$out/allocs-$s.pprof"
done
