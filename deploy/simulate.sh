#!/usr/bin/env bash
# The simulation of services/roomstate/internal/simulation at full size, on a Redis of its own, which it ends. What it finds
# wrong is printed, and fails it; what happened is left in artifacts/simulation.md. Three quarters of an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p artifacts
dir=$(mktemp -d)
redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --appendonly no --dir "$dir" >"$dir/redis.log" 2>&1 &
redis=$!
trap 'kill $redis 2>/dev/null; wait $redis 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 100); do
	[[ -S $dir/redis.sock ]] && break
	sleep 0.1
done
go test -c -o "$dir/simulation" ./services/roomstate/internal/simulation
"$dir/simulation" -test.run 'TestSimulation$' -test.timeout 3h -redis "unix://$dir/redis.sock" -report artifacts/simulation.md \
	-seed "${SEED:-1}" -sessions "${SESSIONS:-100000}" -rooms "${ROOMS:-10000}" -nodes "${NODES:-200}"
echo
cat artifacts/simulation.md
