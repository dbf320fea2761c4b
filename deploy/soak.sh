#!/usr/bin/env bash
# People come and go in a cluster of processes, which are killed now and then; in the end all must be as it was.
# DURATION (1h), SEED (1), PEOPLE (12). Leaves artifacts/soak.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in nats-server redis-server; do
	command -v "$program" >/dev/null || { echo "$program is not installed: make deps"; exit 1; }
done
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
go build -o "$programs/" ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate ./services/media/cmd/media ./tools/soak
"$programs/soak" -programs "$programs" -duration "${DURATION:-1h}" -seed "${SEED:-1}" -people "${PEOPLE:-12}" -out artifacts/soak
