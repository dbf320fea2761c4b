#!/usr/bin/env bash
# Cardea beside Debian's Janus: the same load, the same machine, one after the other. Servers get CPU 0, the load
# generator CPU 1; all traffic is on loopback. Further arguments go to both runs of the load generator; see
# go run ./tools/loadtest --help. BENCH_SUBSCRIBERS (100) and BENCH_DURATION (30s) are of one publisher at 1.5 Mbit/s.
# Ends with status 1 if a limit is not kept.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(nproc)" -ge 2 ] || { echo "needs two CPUs"; exit 1; }

work=$(mktemp -d)
server=
stop_server() {
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}
trap 'stop_server; rm -rf "$work"' EXIT

janus_port=28188 cardea_port=28288 page_port=28280 media_port=28200 ops_port=28290 # below the ports of outgoing connections

# load NAME PORT: waits for the server and puts it under load.
load() {
	for _ in $(seq 100); do
		(: <"/dev/tcp/127.0.0.1/$2") 2>/dev/null && break
		kill -0 "$server" || { tail -n 20 "$work/$1.log"; exit 1; }
		sleep 0.1
	done
	echo "load on $1"
	taskset -c 1 "$work/loadtest" --url "ws://127.0.0.1:$2/" --process "$1=$server" --json "$work/$1.json" \
		--subscribers "${BENCH_SUBSCRIBERS:-100}" --duration "${BENCH_DURATION:-30s}" "${@:3}"
	stop_server
}

go build -o "$work/" ./services/standalone ./tools/loadtest ./tools/loadtest/compare

mkdir "$work/config"
cat >"$work/config/janus.jcfg" <<EOF
general: { configs_folder = "$work/config"; log_to_stdout = true; debug_level = 2; }
nat: { ice_enforce_list = "lo"; ignore_mdns = true; full_trickle = false; }
media: { rtp_port_range = "20000-27999"; }
plugins: { disable = "libjanus_voicemail.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_audiobridge.so,libjanus_nosip.so,libjanus_duktape.so,libjanus_lua.so"; }
transports: { disable = "libjanus_http.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so"; }
EOF
echo "general: { ws = true; ws_ip = \"127.0.0.1\"; ws_port = $janus_port; json = \"compact\"; }" >"$work/config/janus.transport.websockets.jcfg"
echo "general: { }" | tee "$work/config/janus.plugin.videoroom.jcfg" >"$work/config/janus.plugin.echotest.jcfg"
taskset -c 0 janus -F "$work/config" >"$work/janus.log" 2>&1 &
server=$!
load janus $janus_port "$@"

taskset -c 0 "$work/standalone" --listen 127.0.0.1:$cardea_port --page-listen 127.0.0.1:$page_port \
	--udp-port $media_port --advertise 127.0.0.1 --ops-listen 127.0.0.1:$ops_port --log-level warn >"$work/cardea.log" 2>&1 &
server=$!
load cardea $cardea_port "$@"

echo
"$work/compare" "$work/janus.json" "$work/cardea.json"
