#!/usr/bin/env bash
# Brings docker-compose.yml up for real, has Chromium make a call through it, adds two media nodes and kills a container while
# the call runs, and takes it all down. Needs a Docker engine and docker-compose. Where no image can be pulled, stand-ins for golang, nats and redis are made of what this machine
# has: its Go, its module cache, and Debian's nats-server, redis-server and busybox.
set -euo pipefail
cd "$(dirname "$0")/.."
# COMPOSE names the program: docker-compose (v1.29 or v2), or "docker compose".
if [ -z "${COMPOSE:-}" ]; then
	COMPOSE=docker-compose
	command -v docker-compose >/dev/null || COMPOSE="docker compose"
fi
export COMPOSE="$COMPOSE -p cardea-test -f $PWD/docker-compose.yml -f $PWD/deploy/compose-third.yml"
read -ra compose <<<"$COMPOSE"
docker info >/dev/null 2>&1 || { echo "no Docker engine answers; start dockerd first"; exit 1; }

work=$(mktemp -d)
cleanup() {
	"${compose[@]}" logs --no-color >artifacts/compose.log 2>&1 || true
	"${compose[@]}" down -v --remove-orphans >/dev/null 2>&1 || true
	chmod -R u+w "$work" && rm -rf "$work"
}
trap cleanup EXIT
mkdir -p artifacts

# with_libraries DIR PROGRAM…: the programs and all that they load, at the same paths below DIR.
with_libraries() {
	local dir=$1 program; shift
	for program in "$@"; do
		{ echo "$program"; ldd "$program" 2>/dev/null | grep -oE '/[^ ]+' || true; } | while read -r file; do
			mkdir -p "$dir$(dirname "$file")"
			cp -L "$file" "$dir$file"
		done
	done
}

stand_in() { # NAME DIR DOCKERFILE: an image of what is in DIR
	printf '%s\n' "$3" >"$2/Dockerfile"
	docker build -q -t "$1" "$2" >/dev/null
}

if ! docker image inspect "${NATS_IMAGE:-nats:2}" >/dev/null 2>&1 && ! docker pull -q "${NATS_IMAGE:-nats:2}" >/dev/null 2>&1; then
	# Whoever has them not yet should know at once, not after the minutes that the others take.
	for program in nats-server redis-server busybox:busybox-static; do
		command -v "${program%:*}" >/dev/null || { echo "${program%:*} is missing (Debian: ${program#*:})"; exit 1; }
	done
	busybox=$(command -v busybox)
	echo "making stand-ins"
	mkdir -p "$work"/{nats,redis/data,golang/{bin,root,tmp}}
	with_libraries "$work/nats" "$(command -v nats-server)"
	stand_in cardea-test/nats "$work/nats" "FROM scratch
COPY . /
ENTRYPOINT [\"$(command -v nats-server)\"]"
	with_libraries "$work/redis" "$(command -v redis-server)"
	stand_in cardea-test/redis "$work/redis" "FROM scratch
COPY . /
ENV PATH=$(dirname "$(command -v redis-server)")"
	cp "$busybox" "$work/golang/bin/busybox"
	for applet in sh mkdir cp ls; do ln -s busybox "$work/golang/bin/$applet"; done
	mkdir -p "$work/golang/usr/local"
	cp -r "$(go env GOROOT)" "$work/golang/usr/local/go"
	(cd services/standalone && GOWORK=off GOFLAGS=-modcacherw GOMODCACHE="$work/golang/root/mod" \
		GOPROXY="file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)" GONOSUMDB='*' GOFLAGS=-modcacherw go mod download)
	stand_in cardea-test/golang "$work/golang" 'FROM scratch
COPY . /
ENV PATH=/bin:/usr/local/go/bin GOMODCACHE=/root/mod GOPROXY=off HOME=/root GOTOOLCHAIN=local'
	export NATS_IMAGE=cardea-test/nats REDIS_IMAGE=cardea-test/redis BUILD_IMAGE=cardea-test/golang
fi

echo "building and starting"
eval "$(deploy/version.sh)"
export VERSION COMMIT COMMITTED
"${compose[@]}" build
for s in signaling roomstate media-1 page; do
	got=$("${compose[@]}" run --rm --no-deps -T "$s" --version)
	[ "$got" = "$EXACT" ] || { echo "$s says it is version $got, not $EXACT"; exit 1; }
done
"${compose[@]}" up -d --scale roomstate=2 nats redis roomstate signaling media-1 page
(cd e2e && go test -tags compose -timeout 15m -count 1 -v -run TestCompose .)
