#!/usr/bin/env bash
# Asks govulncheck whether the services use code that is known to be vulnerable. The list of it is on vuln.go.dev, or where GOVULNDB
# says, such as file:///path/to/a/copy. Ends with 0 (nothing is known), 1 (something is), or 2 (it could not be told).
set -uo pipefail
cd "$(dirname "$0")/.."
version=v1.6.0
db=${GOVULNDB:-https://vuln.go.dev}
case $db in
file://*) ;;
*)
	if ! curl -fsS --max-time 20 -o /dev/null "$db/index/db.json"; then
		echo "vuln: $db cannot be reached, so nothing was checked. Set GOVULNDB to a copy of it, such as file:///srv/vulndb." >&2
		exit 2
	fi
	;;
esac
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
if ! GOBIN=$bin GOFLAGS='' GOWORK=off go install "golang.org/x/vuln/cmd/govulncheck@$version"; then
	echo "vuln: govulncheck could not be built, so nothing was checked" >&2
	exit 2
fi
worst=0
for module in proto services/signaling services/roomstate services/media services/standalone services/ctl; do
	echo "== $module"
	(cd "$module" && GOWORK=off "$bin/govulncheck" -db "$db" ./...)
	case $? in
	0) ;;
	3) worst=1 ;; # govulncheck's word for: found
	*) echo "vuln: $module could not be checked" >&2; [ $worst = 1 ] || worst=2 ;;
	esac
done
exit $worst
