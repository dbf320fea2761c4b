#!/usr/bin/env bash
# Services, stores and links fail under calls, in network namespaces; see docs/failures.md and tools/chaos. Settings come from the
# environment (CHAOS_SEED=7, CHAOS_ONLY=edge,nats, CHAOS_LONG=10m, CHAOS_RANDOM=0, CHAOS_BROWSER=false) or as arguments; --help lists
# them. The table, the figures and all logs are left in artifacts/chaos. Ends with status 1 if a limit is broken.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/chaos
mkdir -p $out
go build -o $out/ ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate ./services/media/cmd/media ./tools/chaos
exec $out/chaos --programs $out --out $out "$@"
