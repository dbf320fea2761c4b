#!/usr/bin/env bash
# Writes the sample of each service's settings, docs/configuration.md, and the names of all variables of the environment, from the
# code.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p deploy/config
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
go build -o "$programs/" ./services/signaling/cmd/signaling ./services/roomstate/cmd/roomstate ./services/media/cmd/media \
	./services/standalone ./services/ctl/cmd/cardea-ctl
services=(signaling roomstate media standalone)
for s in "${services[@]}"; do
	"$programs/$s" config sample >"deploy/config/$s.yaml"
done

page="$programs/configuration.md" # whole before it is put in its place
cat deploy/config/about.md >"$page"
for s in "${services[@]}"; do
	printf '\n## %s\n\n' "$s" >>"$page"
	"$programs/$s" config reference >>"$page"
done
printf '\n## cardea-ctl\n\nIt reads no file. What all commands have, then each:\n\n' >>"$page"
"$programs/cardea-ctl" reference >>"$page"
cp "$page" docs/configuration.md
tail -n +$(($(wc -l <deploy/config/about.md) + 1)) "$page" | grep -oE 'CARDEA_[A-Z0-9_]+' | LC_ALL=C sort -u >proto/settings/variables.txt
