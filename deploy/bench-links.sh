#!/usr/bin/env bash
# Calls through Cardea and Janus behind bad links, as Chromium sees them; see tools/links. Settings come from the environment
# (LINKS_SCRIPTS=loss-5,bottleneck, LINKS_ROUNDS, LINKS_JANUS=/path/to/janus, …) or as arguments; --help lists them. The table,
# drawings and samples are left in artifacts/bench.
set -euo pipefail
cd "$(dirname "$0")/.."
out=artifacts/bench
mkdir -p $out
go build -o $out/ ./services/standalone ./tools/links
exec $out/links --cardea $out/standalone --out $out "$@"
