#!/usr/bin/env bash
# What it costs that subscribers are on another media node than who publishes, and how much later media comes; see tools/relay.
# All services are on the first core, if there are several, and the load is on the second. Settings are arguments (--help), or
# ROUNDS and DURATION. The table is left in artifacts/relay.md.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in nats-server redis-server; do
	command -v "$program" >/dev/null || { echo "$program is not installed: make deps"; exit 1; }
done
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
mkdir -p artifacts
go build -o "$programs/" ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate ./services/media/cmd/media ./tools/loadtest ./tools/relay
pin=() load=-1
[[ $(nproc) -gt 1 ]] && pin=(taskset -c 0) load=1
"${pin[@]}" "$programs/relay" --programs "$programs" --load-core "$load" --rounds "${ROUNDS:-3}" --duration "${DURATION:-10s}" --markdown artifacts/relay.md "$@"
