#!/usr/bin/env bash
# Runs the tests that docs/security.md names, each folder's in one go, with the race detector but for those that start the built
# services; then every fuzz target, for as long as the first argument says (see fuzz.sh). Fails if any did, after all have run.
set -uo pipefail
cd "$(dirname "$0")/.."
names=$(grep -oE '`Test[A-Za-z0-9_]+`' docs/security.md | tr -d '`' | sort -u)
pattern="^($(paste -sd'|' <<<"$names"))\$"
failed=0
for dir in $(git grep -lE "^func ($(paste -sd'|' <<<"$names"))\(" -- '*_test.go' | xargs -n1 dirname | sort -u); do
	how=(-race) in=()
	case $dir in
	e2e) how=(-tags e2e) ;;
	deploy/check) how=() in=(GOWORK=off GOFLAGS=-p=1) ;; # much of Kubernetes: the race detector would double it
	esac
	(cd "$dir" && env "${in[@]}" go test "${how[@]}" -count 1 -timeout 20m -run "$pattern" .) || failed=1
done
./deploy/fuzz.sh "${1:-}" || failed=1
exit $failed
