#!/usr/bin/env bash
# Cross-compiles all services for amd64 and arm64, writes what each is made of (CycloneDX), and makes images of them, without a
# container engine. With PUSH=registry.example.org/team they are pushed, each under one name for all architectures:
# registry.example.org/team/cardea/NAME:VERSION. All is left in artifacts/images: ARCH/NAME.tar is for docker load, as
# cardea/NAME:VERSION-ARCH, and is loaded if a Docker engine answers.
#
# cardea-ctl is in the images of signaling and standalone, beside the Admin API that it asks, which listens on loopback there.
#
# VERSION is that of the last tag unless set, PLATFORMS "amd64 arm64". Commits are in the programs (--version) and in labels.
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(deploy/version.sh)"
version=$VERSION commit=$COMMIT exact=$EXACT
build=github.com/cardea-rtc/cardea/proto/version
platforms=${PLATFORMS:-amd64 arm64}
authorities=${AUTHORITIES:-/etc/ssl/certs/ca-certificates.crt}
services=(signaling roomstate media standalone)
out=artifacts/images
[ -f "$authorities" ] || { echo "$authorities is missing (Debian: ca-certificates); AUTHORITIES names another file"; exit 1; }
rm -rf $out
mkdir -p $out
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
go build -o "$tools/" ./tools/sbom ./tools/images

for arch in $platforms; do
	mkdir -p "$out/$arch"
	for s in "${services[@]}" cardea-ctl; do
		module=${s#cardea-} package=./cmd/$s
		variable=github.com/cardea-rtc/cardea/services/$module.Version
		[ "$s" != standalone ] || { package=. variable=main.version; }
		(
			cd "services/$module"
			CGO_ENABLED=0 GOWORK=off GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false \
				-ldflags "-s -w -X $build.Commit=$commit -X $build.Time=$COMMITTED -X $variable=$exact" -o "../../$out/$arch/$s" "$package"
		)
		"$tools/sbom" -name "cardea/$s" -version "$exact" "$out/$arch/$s" >"$out/$arch/$s.cdx.json"
		echo "$arch $s $(stat -c %s "$out/$arch/$s") bytes"
	done
done
"$tools/images" -dir $out -authorities "$authorities" -version "$version" -commit "$commit" -platforms "$platforms" \
	-push "${PUSH:-}" -with "signaling/cardea-ctl standalone/cardea-ctl" "${services[@]}"
if docker info >/dev/null 2>&1; then
	for arch in $platforms; do
		for s in "${services[@]}"; do docker load -q -i "$out/$arch/$s.tar"; done
	done
fi
