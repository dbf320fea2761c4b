#!/usr/bin/env bash
# Installs the Debian packages that the tests use, if any is missing, and fetches other people's clients of Janus.
set -euo pipefail
packages=(chromium iproute2 ethtool redis-server redis-sentinel nats-server janus janus-demos janus-tools ffmpeg protobuf-compiler gcc g++ make libc6-dev
	simple-whip-client nextcloud-spreed-signaling python3-aiortc python3-aiohttp)
command -v npm >/dev/null || packages+=(nodejs npm)
missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
clients="$(dirname "$0")/clients.sh"
[ ${#missing[@]} -eq 0 ] && exec "$clients"
echo "installing ${missing[*]}"
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
# Debian starts servers as it installs them; ours are started by the tests, on ports of their own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
	$sudo chmod +x /usr/sbin/policy-rc.d
	trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
fi
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
"$clients"
