#!/usr/bin/env bash
# The part of deploy-check that runs what it checks, and needs of this machine more than Go: promtool (Debian: prometheus), for the
# alerts, and a Docker engine, for the Compose file. What is missing is said, and left out; with DEPLOY_CHECK_ALL=1 that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
skipped=()
if command -v promtool >/dev/null; then
	promtool test rules deploy/prometheus/alerts_test.yaml
else
	skipped+=("alerts, tried on series: promtool is missing (Debian: prometheus). They have been read only")
fi
if docker info >/dev/null 2>&1; then
	deploy/compose-test.sh
else
	skipped+=("a call through the Compose file, scaled and with a node killed, and that its images build: no Docker engine answers. The file has been read only")
fi
if [ ${#skipped[@]} -eq 0 ]; then
	echo "deploy-check: everything has been checked"
	exit
fi
echo "deploy-check: SKIPPED, not checked here:"
printf ' - %s\n' "${skipped[@]}"
if [ -n "${DEPLOY_CHECK_ALL:-}" ]; then
	echo "deploy-check: fails, since DEPLOY_CHECK_ALL is set"
	exit 1
fi
echo "deploy-check: the rest is good; DEPLOY_CHECK_ALL=1 fails where something is skipped"
