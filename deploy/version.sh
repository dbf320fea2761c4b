#!/usr/bin/env bash
# Prints what images are built with, as lines of a shell: VERSION is that of the last tag and how far this is from it, unless set;
# COMMIT is the commit, if this is a checkout, and COMMITTED when that was made (RFC 3339). EXACT, which --version and info print, names both.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
commit=${COMMIT-$(git rev-parse HEAD 2>/dev/null || true)}
committed=${COMMITTED-$(git log -1 --format=%cI "${commit:-HEAD}" 2>/dev/null || true)}
exact=$version
[[ -z $commit || $version == *"${commit:0:7}"* ]] || exact=$version+${commit:0:12}
printf '%s=%q\n' VERSION "$version" COMMIT "$commit" COMMITTED "$committed" EXACT "$exact"
