#!/usr/bin/env bash
# A working day, compressed, in a cluster of processes: DURATION (10m), PEOPLE (48), SEED (1), and what --help tells. Leaves
# artifacts/load. Ends with 1 if somebody could not join or got no media.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in nats-server redis-server; do
	command -v "$program" >/dev/null || { echo "$program is not installed: make deps"; exit 1; }
done
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
go build -o "$programs/" ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate ./services/media/cmd/media ./tools/loadtest/workday
"$programs/workday" --programs "$programs" --duration "${DURATION:-10m}" --people "${PEOPLE:-48}" --seed "${SEED:-1}" --out artifacts/load "$@"
