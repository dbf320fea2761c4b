#!/usr/bin/env bash
# Runs every fuzz target of the workspace, one after another, for as long as the first argument says: a time (10s) or a
# number of inputs (1000000x). A line for each says when it begins and how it ended; a table follows. What go test said
# is in artifacts/fuzz. Fails if a target did, after all have run.
#
# A number of inputs is the aim of each target. Some are far slower than others: a target that is not through after
# FUZZ_MOST (a time, 4h by default) is ended, and the table says how far it came.
set -uo pipefail
cd "$(dirname "$0")/.."
each=${1:-10s}
most=${FUZZ_MOST:-4h}
logs=$PWD/artifacts/fuzz
mkdir -p "$logs"

targets=$(git grep -oE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | sed -E 's|/[^/]*_test\.go:func | |' | sort)
total=$(wc -l <<<"$targets")
table=$(printf '%-48s %-18s %12s %8s  %s\n' package target inputs seconds outcome)
number=0 failed=0
while read -r dir target; do
	number=$((number + 1))
	echo "$(date -u +%T) $number/$total $dir $target"
	log=$logs/${dir//\//-}-$target.log
	began=$SECONDS
	(cd "$dir" && timeout --signal INT "$most" \
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$each" -fuzzminimizetime 100x . </dev/null) >"$log" 2>&1
	status=$?
	inputs=$(grep -oE 'execs: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)
	case $status in
	0) outcome=clean ;;
	124) outcome="clean so far" ;;
	*) outcome="FAILED, see ${log#"$PWD"/}" failed=1 ;;
	esac
	row=$(printf '%-48s %-18s %12s %8s  %s' "$dir" "$target" "${inputs:-0}" "$((SECONDS - began))" "$outcome")
	table+=$'\n'$row
	echo "$(date -u +%T) $number/$total $outcome: ${inputs:-0} inputs"
done <<<"$targets"
echo
echo "$table"
exit $failed
