#!/usr/bin/env bash
# Holds the chart, the plain manifests, dashboards, alert rules and docker-compose.yml against what will read them, offline: see deploy/check. Then, if a
# Docker engine answers, brings the Compose file up and makes a call through it while media is scaled and a node killed. It ends by
# saying what was skipped; with DEPLOY_CHECK_ALL=1 it fails then.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
for s in signaling roomstate media; do go build -o "$programs/" "./services/$s/cmd/$s"; done
go build -o "$programs/" ./services/standalone

# Several minutes the first time: this compiles what of Kubernetes judges objects.
cd deploy/check
GOWORK=off GOFLAGS="-p=1 ${GOFLAGS:-}" nice -n 10 go mod tidy -diff || { echo "deploy/check/go.mod is not tidy"; exit 1; }
GOWORK=off GOFLAGS="-p=1 ${GOFLAGS:-}" nice -n 10 go vet ./...
GOWORK=off GOFLAGS="-p=1 ${GOFLAGS:-}" nice -n 10 go test -count 1 . -programs "$programs"
GOWORK=off GOFLAGS="-p=1 ${GOFLAGS:-}" nice -n 10 go test -count 1 ./seeing
cd ../..
deploy/deploy-check-run.sh # not by exec: programs are removed at the end
