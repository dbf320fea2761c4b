#!/usr/bin/env bash
# Signalling without media, Cardea beside Debian's Janus: memory of idle sessions, and what joins cost; see tools/joins. Settings come
# from the environment (JOINS_ROUNDS, JOINS_CROWD, …) or as arguments; --help lists them. The table is left in
# artifacts/joins.md, a drawing in artifacts/joins.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/joins
mkdir -p $out
go build -o $out/ ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate ./tools/joins
exec $out/joins --signaling $out/signaling --roomstate $out/roomstate --markdown artifacts/joins.md --plot artifacts/joins.svg "$@"
