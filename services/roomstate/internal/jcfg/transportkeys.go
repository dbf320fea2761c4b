package jcfg

import (
	"fmt"
	"strings"
)

// HTTPKeys are the keys of janus.transport.http.jcfg.
var HTTPKeys = append([]Key{
	gone("general.events", allEvents), gone("general.json", compact),
	{"general.base_path", "signaling", "http-path", "", path},
	gone("general.http", "on unless --http-listen of signaling is empty"),
	{"general.port", "signaling", "http-listen", "", port},
	gone("general.interface", "--http-listen has an address"), gone("general.ip", "put it before the port of --http-listen"),
	gone("general.https", "on where --tls-cert of signaling is set"),
	{"general.secure_port", "signaling", "https-listen", "", port},
	gone("general.secure_interface", "--https-listen has an address"), gone("general.secure_ip", "put it before the port of --https-listen"),
	gone("general.acl", acl), gone("general.acl_forwarded", aclForwarded),
	{"general.mhd_connection_limit", "signaling", "max-sockets", "requests at a time, long polls included", count},
	gone("general.mhd_debug", "there is no libmicrohttpd; --log-level"),
	{"admin.admin_base_path", "signaling", "admin-path", "", path},
	gone("admin.admin_http", "on unless --admin-http-listen of signaling is empty, on loopback by default"),
	{"admin.admin_port", "signaling", "admin-http-listen", "", localPort},
	gone("admin.admin_interface", "--admin-http-listen has an address"),
	gone("admin.admin_ip", "put it before the port of --admin-http-listen, and set --admin-secret-file"),
	gone("admin.admin_https", adminTLS), gone("admin.admin_secure_port", adminTLS), gone("admin.admin_secure_interface", adminTLS),
	gone("admin.admin_secure_ip", adminTLS), gone("admin.admin_acl", acl), gone("admin.admin_acl_forwarded", aclForwarded),
}, common...)

// WebSocketsKeys are those of janus.transport.websockets.jcfg.
var WebSocketsKeys = append([]Key{
	gone("general.events", allEvents), gone("general.json", compact),
	gone("general.pingpong_trigger", "each WebSocket is pinged every 30 s"), gone("general.pingpong_timeout", "one that is silent for 75 s is closed"),
	gone("general.ws", "always on"),
	{"general.ws_port", "signaling", "listen", "", port},
	gone("general.ws_interface", "--listen has an address"), gone("general.ws_ip", "put it before the port of --listen"),
	gone("general.ws_unix", unixSocket),
	gone("general.wss", "on where --tls-cert of signaling is set"),
	{"general.wss_port", "signaling", "wss-listen", "", port},
	gone("general.wss_interface", "--wss-listen has an address"), gone("general.wss_ip", "put it before the port of --wss-listen"),
	gone("general.wss_unix", unixSocket),
	gone("general.ws_logging", "there is no libwebsockets; --log-level"), gone("general.ws_acl", acl), gone("general.ws_acl_forwarded", aclForwarded),
	gone("admin.admin_ws", "on unless --admin-listen of signaling is empty, on loopback by default"),
	{"admin.admin_ws_port", "signaling", "admin-listen", "", localPort},
	gone("admin.admin_ws_interface", "--admin-listen has an address"),
	gone("admin.admin_ws_ip", "put it before the port of --admin-listen, and set --admin-secret-file"),
	gone("admin.admin_ws_unix", unixSocket),
	gone("admin.admin_wss", adminTLS), gone("admin.admin_wss_port", adminTLS), gone("admin.admin_wss_interface", adminTLS),
	gone("admin.admin_wss_ip", adminTLS), gone("admin.admin_wss_unix", adminTLS), gone("admin.admin_ws_acl", acl), gone("admin.admin_ws_acl_forwarded", aclForwarded),
}, common...)

// common are keys that both have.
var common = []Key{
	{"cors.allow_origin", "signaling", "origins", "leave it out where it is *: all pages may connect then", plain},
	gone("cors.enforce_cors", "where --origins is set, pages of others are refused"),
	{"certificates.cert_pem", "signaling", "tls-cert", "", plain},
	{"certificates.cert_key", "signaling", "tls-key", "", plain},
	gone("certificates.cert_pwd", "keys are files that only the service can read"),
	gone("certificates.ciphers", "TLS 1.2 and 1.3, with Go's choice of ciphers"),
}

const (
	acl = "who may connect is for a firewall to say"
	// aclForwarded is of lists by X-Forwarded-For.
	aclForwarded = "there are no such lists; whose X-Forwarded-For is believed, for limits of one address, is --trusted-proxies of signaling"

	adminTLS   = "the Admin API has no TLS of its own: put a proxy before it"
	unixSocket = "there are no UNIX sockets"
)

// isAny tells whether a value is for all origins, which is what there is without the setting.
func isAny(k Key, v any) bool { return k.Setting == "origins" && v == "*" }

// path is one that begins with a slash, without which Janus does not start. It takes one off the end.
func path(v any) (string, bool) {
	text, ok := plain(v)
	if len(text) > 1 {
		text = strings.TrimSuffix(text, "/")
	}
	return text, ok && (text == "/" || strings.HasPrefix(text, "/") && !strings.HasSuffix(text, "/"))
}

func port(v any) (string, bool) {
	n, ok := number(v)
	return fmt.Sprintf(":%d", n), ok && n > 0 && n < 1<<16
}

func localPort(v any) (string, bool) {
	text, ok := port(v)
	return "127.0.0.1" + text, ok
}
