#!/usr/bin/env bash
# Cross-compiles all services for amd64 and arm64, writes what each is made of (CycloneDX), and, if a Docker engine answers,
# makes images of them: cardea/NAME:VERSION-ARCH. With PUSH=registry.example.org/team these are pushed, and with them
# cardea/NAME:VERSION for both. All else is left in artifacts/images.
#
# VERSION is that of the last tag unless set. Commits are in the programs (--version) and in the images' labels.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
commit=$(git rev-parse HEAD 2>/dev/null || true)
platforms=${PLATFORMS:-amd64 arm64}
services=(signaling roomstate media standalone)
out=artifacts/images
authorities=${AUTHORITIES:-/etc/ssl/certs/ca-certificates.crt}
rm -rf $out
mkdir -p $out

go build -o $out/sbom ./tools/sbom
for arch in $platforms; do
	mkdir -p "$out/$arch/out/etc/ssl/certs"
	cp "$authorities" "$out/$arch/out/etc/ssl/certs/ca-certificates.crt" || echo "no authorities for TLS in the images"
	for s in "${services[@]}"; do
		package=./cmd/$s variable=github.com/cardea-rtc/cardea/services/$s.Version
		[ "$s" != standalone ] || { package=. variable=main.version; }
		(
			cd "services/$s"
			CGO_ENABLED=0 GOWORK=off GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=true \
				-ldflags "-s -w -X $variable=$version" -o "../../$out/$arch/out/$s" "$package"
		)
		$out/sbom -name "cardea/$s" -version "$version" "$out/$arch/out/$s" >"$out/$arch/$s.cdx.json"
		echo "$arch $s $(stat -c %s "$out/$arch/out/$s") bytes"
	done
	{ printf 'FROM scratch AS build\nCOPY out /out\n'; sed '1,/^# images/d' deploy/Dockerfile; } >"$out/$arch/Dockerfile"
done
rm $out/sbom

docker info >/dev/null 2>&1 || { echo "no Docker engine answers: programs and lists are in $out"; exit 0; }
for s in "${services[@]}"; do
	manifests=()
	for arch in $platforms; do
		name=${PUSH:+${PUSH%/}/}cardea/$s:$version
		docker build -q --platform "linux/$arch" --target "$s" --build-arg VERSION="$version" --build-arg COMMIT="$commit" \
			-t "$name-$arch" "$out/$arch" >/dev/null
		echo "$name-$arch"
		[ -z "${PUSH:-}" ] || docker push -q "$name-$arch"
		manifests+=("$name-$arch")
	done
	if [ -n "${PUSH:-}" ]; then
		docker manifest rm "$name" >/dev/null 2>&1 || true
		docker manifest create "$name" "${manifests[@]}" >/dev/null
		docker manifest push --purge "$name"
	fi
done
