#!/usr/bin/env bash
# Writes the sample of each service's settings, from the code.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p deploy/config
for s in signaling roomstate media; do
	go run "./services/$s/cmd/$s" config sample >"deploy/config/$s.yaml"
done
go run ./services/standalone config sample >deploy/config/standalone.yaml
