#!/usr/bin/env bash
# Cardea beside Janus, over a pair of network namespaces; see tools/bench. Settings come from the environment (BENCH_QUICK=1,
# BENCH_SCENARIOS=1-100,10-20, BENCH_ROUNDS, BENCH_JANUS=/path/to/janus, …) or as arguments; --help lists them. Figures are
# left in artifacts/bench. Ends with status 1 if a limit is not kept.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/bench
mkdir -p $out
go build -o $out/ ./services/standalone ./tools/loadtest ./tools/floor ./tools/bench
exec $out/bench --cardea $out/standalone --load $out/loadtest --floor $out/floor --json $out/bench.json --markdown $out/bench.md "$@"
