package jcfg

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Key is a setting of one of Janus's files: what it is here, or why it is nothing.
type Key struct {
	Name    string // with its group, as "nat.ice_lite"
	Service string // signaling, roomstate or media; empty if nothing here corresponds
	Setting string // of that service
	Why     string // it is not taken; or, if it is, what to know
	value   func(v any) (string, bool)
}

// CoreKeys are the keys of janus.jcfg that are known, in its order. A name that ends in ".*" is for all of a group.
var CoreKeys = []Key{
	gone("general.configs_folder", folders), gone("general.plugins_folder", folders), gone("general.transports_folder", folders),
	gone("general.events_folder", folders), gone("general.loggers_folder", folders),
	gone("general.log_to_stdout", logging), gone("general.log_to_file", logging),
	gone("general.log_rotate_sig", "there is no file to rotate: services log to standard error"), gone("general.debug_timestamps", logging),
	gone("general.debug_colors", logging), gone("general.debug_locks", logging), gone("general.log_prefix", logging),
	{"general.debug_level", "all", "log-level", "0 to 3 are error, 4 is info, more is debug", logLevel},
	gone("general.daemonize", "whatever starts the services (systemd, containers) keeps them running"),
	gone("general.pid_file", "whatever starts the services knows their processes"),
	gone("general.check_openfiles_limit", "whatever starts the services sets their limits; --max-sockets and --max-peers bound what they open"),
	secret("general.api_secret", "api-secret-file"),
	{"general.token_auth", "signaling", "token-auth", "", yes},
	{"general.token_auth_secret", "signaling", "token-secret-file", inFile + "; roomstate takes it too, for rooms with signed_tokens", file},
	secret("general.admin_secret", "admin-secret-file"),
	gone("general.interface", "each listener has an address of its own; --advertise of media is what endpoints are told"),
	{"general.server_name", "signaling", "server-name", "", plain},
	{"general.session_timeout", "roomstate", "session-timeout", "", seconds},
	{"general.reclaim_session_timeout", "roomstate", "reclaim-session-timeout", "", seconds},
	{"general.candidates_timeout", "roomstate", "candidates-timeout", "told, without effect: nodes are ICE-lite, need no candidates of an endpoint and keep none", someSeconds},
	{"general.recordings_tmp_ext", "media", "recordings-tmp-ext", "", plain},
	gone("general.event_loops", "a node has a worker for each core"), gone("general.allow_loop_indication", "clients cannot choose a worker"),
	gone("general.task_pool_size", "there is no such pool"),
	{"general.opaqueid_in_api", "signaling", "opaqueid-in-api", "", yes},
	gone("general.hide_dependencies", "info always names those that it has: Go and two of its libraries"), gone("general.exit_on_dl_error", "there is nothing to load"),
	gone("general.no_webrtc_encryption", "media is always encrypted"),
	gone("general.protected_folders", "nothing that endpoints say becomes a path"),
	gone("certificates.cert_pem", "each PeerConnection's certificate is made by its node; for WSS there is --tls-cert of signaling"),
	gone("certificates.cert_key", "likewise, --tls-key"), gone("certificates.cert_pwd", "keys are files that only the service can read"),
	gone("certificates.dtls_accept_selfsigned", "certificates of DTLS are checked against the fingerprint in the SDP, as WebRTC wants"),
	gone("certificates.dtls_ciphers", "the ciphers of WebRTC are offered, AES-GCM first"), gone("certificates.rsa_private_key", "keys are ECDSA"),
	gone("media.ipv6", "what --advertise of media names is used, of either family"), gone("media.ipv6_linklocal", "link-local addresses are never told"),
	gone("media.min_nack_queue", "rings are sized by time and bounded by --max-peers"),
	gone("media.rtp_port_range", "a node has one port for all media: --udp-port of media"),
	gone("media.dtls_mtu", "1200 bytes, as the default"),
	{"media.no_media_timer", "media", "no-media-timer", "", count},
	{"media.slowlink_threshold", "media", "slowlink-threshold", "", count},
	gone("media.twcc_period", "feedback is sent every 100 ms, as info says"), gone("media.dtls_timeout", "DTLS retransmits as RFC 6347 says"),
	gone("media.nack_optimizations", "always on"), gone("media.dscp", "packets are not marked"),
	gone("nat.stun_server", "--advertise-stun of media takes server and port as one"), gone("nat.stun_port", "likewise"),
	gone("nat.nice_debug", "there is no libnice; --log-level"), gone("nat.full_trickle", "a node has all of its candidates at once"),
	gone("nat.ice_nomination", "endpoints nominate: nodes are ICE-lite"), gone("nat.ice_consent_freshness", "always: a PeerConnection without checks of its endpoint for 30 s ends"),
	gone("nat.ice_keepalive_conncheck", "endpoints check"), gone("nat.hangup_on_failed", "always: there is no time of grace after that"),
	gone("nat.ice_lite", "nodes always are"),
	{"nat.ice_tcp", "media", "tcp", "", yes},
	gone("nat.ignore_mdns", "nodes never connect to endpoints' candidates"),
	{"nat.nat_1_1_mapping", "media", "advertise", "", plain},
	gone("nat.keep_private_host", "name the private address in --advertise too"),
	gone("nat.turn_server", "nodes have public addresses; endpoints use TURN as before"), gone("nat.turn_port", turn), gone("nat.turn_type", turn),
	gone("nat.turn_user", turn), gone("nat.turn_pwd", turn), gone("nat.turn_rest_api", turn), gone("nat.turn_rest_api_key", turn),
	gone("nat.turn_rest_api_method", turn), gone("nat.turn_rest_api_timeout", turn), gone("nat.allow_force_relay", turn),
	gone("nat.ice_enforce_list", "--advertise of media is the list"), gone("nat.ice_ignore_list", "--advertise of media is the list"),
	gone("nat.ignore_unreachable_ice_server", "there is no such server to reach"),
	gone("plugins.disable", "plugins are not loaded; nobody has to attach to one"), gone("transports.disable", "a listener with an empty address is off"),
	gone("loggers.*", logging),
	gone("events.broadcast", handlersOn), gone("events.disable", handlersOn),
	gone("events.combine_media_stats", "each medium has an event of its own"),
	{"events.stats_period", "media", "events-stats-period", "", count},
}

// Why some keys are nothing here.
const (
	folders = "there is nothing to load from folders"
	logging = "services log to standard error, as text"
	turn    = "as turn_server"

	handlersOn = "event handlers are on where --events-backend or --events-subject is set"
	allEvents  = "event handlers are told of all plugins and transports, as --events says"
	compact    = "JSON is always compact"
)

func gone(name, why string) Key { return Key{Name: name, Why: why} }

// secret is taken by way of a file: no secret is printed.
func secret(name, setting string) Key { return Key{name, "signaling", setting, inFile, file} }

const inFile = "write it to a file of its own, which the setting names"

func file(any) (string, bool) { return "FILE", true }

// Janus reads all values as text, whether they are in quotes or not: the functions below do so too.

func plain(v any) (string, bool) {
	switch v.(type) {
	case string, int64, bool:
		return fmt.Sprint(v), true
	}
	return "", false
}

// truth is what Janus takes for true; all else is false there.
func truth(v any) (on, ok bool) {
	text, ok := plain(v)
	return ok && slices.Contains([]string{"yes", "true", "1"}, strings.ToLower(text)), ok
}

// takenForFalse tells of what is false without saying so: who wrote it may have meant something else.
func takenForFalse(v any) string {
	text, ok := plain(v)
	if on, _ := truth(v); !ok || on || slices.Contains([]string{"no", "false", "0", "off", ""}, strings.ToLower(text)) {
		return ""
	}
	return fmt.Sprintf("%q is not yes, true or 1: Janus takes it for false", text)
}

func yes(v any) (string, bool) {
	on, ok := truth(v)
	return strconv.FormatBool(on), ok
}

func number(v any) (int64, bool) {
	text, ok := plain(v)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

// whole is number as Janus reads most of them: without a fraction.
func whole(v any) (int64, bool) {
	if f, ok := v.(float64); ok {
		return int64(f), math.Abs(f) < 1<<53
	}
	text, ok := plain(v)
	if before, after, _ := strings.Cut(text, "."); strings.Trim(after, "0123456789") == "" {
		text = before
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

// hasFraction tells whether whole is less than what is written.
func hasFraction(v any) bool {
	_, ok := number(v)
	_, cut := whole(v)
	return !ok && cut
}

func count(v any) (string, bool) {
	n, ok := whole(v)
	return strconv.FormatInt(n, 10), ok
}

func seconds(v any) (string, bool) {
	n, ok := whole(v)
	return fmt.Sprintf("%ds", n), ok && n >= 0
}

// someSeconds is for a time that Janus does not heed where it is not above 0, and takes 45 s instead.
func someSeconds(v any) (string, bool) {
	if n, ok := whole(v); ok && n < 1 {
		return "45s", true
	}
	return seconds(v)
}

func logLevel(v any) (string, bool) {
	n, ok := whole(v)
	switch {
	case n < 4:
		return "error", ok
	case n == 4:
		return "info", ok
	}
	return "debug", ok
}

// find returns the key of a name.
func find(keys []Key, name string) (Key, bool) {
	group, _, _ := strings.Cut(name, ".")
	for _, k := range keys {
		if k.Name == name || k.Name == group+".*" {
			return k, true
		}
	}
	return Key{Name: name, Why: "unknown"}, false
}

// about is what there is to know of one value, and of what it becomes.
func (k Key) about(v any, value string) string {
	switch {
	case k.Setting == "events-backend":
		return user(v)
	case value == "false":
		return takenForFalse(v)
	case hasFraction(v) && value != fmt.Sprint(v):
		return "Janus takes it without the fraction"
	}
	return ""
}

// as is what a taken key becomes, as "roomstate --session-timeout".
func (k Key) as() string { return cmp.Or(k.Service, "-") + " --" + k.Setting }

// with is as with a value, for a shell.
func (k Key) with(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(plainly, r) }) {
		value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return k.as() + "=" + value
}

// plainly is what shells take as it is.
const plainly = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,@+%"
