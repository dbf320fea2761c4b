#!/usr/bin/env bash
# What must hold before any test runs: formatting, vet, tidy modules that build by themselves, current generated code.
set -euo pipefail
cd "$(dirname "$0")/.."
modules=(proto services/media services/roomstate services/signaling services/ctl services/standalone tools e2e)

unformatted=$(gofmt -l $(git ls-files '*.go' | grep -v '\.pb\.go$'))
[ -z "$unformatted" ] || { echo "not formatted (gofmt -w):"; echo "$unformatted"; exit 1; }

for m in "${modules[@]}"; do
	echo "check $m"
	(
		cd "$m"
		GOWORK=off go mod tidy -diff || { echo "$m: go.mod is not tidy (make tidy)"; exit 1; }
		GOWORK=off go build ./...
		GOWORK=off go vet ./...
	)
done
(cd e2e && go vet -tags e2e ./...)

echo "check imports"
go test -count 1 ./tools/imports

echo "check generated code"
before=$(sha256sum proto/*/*.pb.go deploy/config/*.yaml docs/configuration.md proto/settings/variables.txt)
proto/generate.sh
deploy/samples.sh
[ "$before" = "$(sha256sum proto/*/*.pb.go deploy/config/*.yaml docs/configuration.md proto/settings/variables.txt)" ] || { echo "generated code was not current (make generate)"; exit 1; }
