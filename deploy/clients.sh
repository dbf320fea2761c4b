#!/usr/bin/env bash
# Puts into .cache/clients the clients of Janus that the tests run and no package manager installs for everybody: those from
# npm, and Debian's simple-whip-server, whose dependencies in Debian do not go with a Node.js that is not Debian's.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.cache/clients
made="$(cat e2e/clients/package-lock.json deploy/clients.sh | sha256sum)"
[ "$(cat $out/made 2>/dev/null)" = "$made" ] && exit 0
echo "fetching clients of Janus"
rm -rf $out
mkdir -p $out
cp e2e/clients/package.json e2e/clients/package-lock.json $out/
npm ci --prefix $out --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error >/dev/null
cd $out
# janode wants this module, which is compiled; the headers are those that came with Node.js, if they did.
[ -e /usr/include/node/node.h ] && export npm_config_nodedir=/usr
npm rebuild unix-dgram --loglevel=error >/dev/null
fetch() { apt-get download -qq simple-whip-server 2>/dev/null; }
fetch || { { [ "$(id -u)" -eq 0 ] && apt-get update -qq || sudo apt-get update -qq; } && fetch; }
dpkg-deb -x simple-whip-server_*.deb simple-whip-server
echo "$made" >made
