package jcfg

import (
	"fmt"
	"net/url"
)

// SampleHandlerKeys are the keys of janus.eventhandler.sampleevh.jcfg, which posts events over HTTP.
var SampleHandlerKeys = []Key{
	gone("general.enabled", "on where --events-backend is set"),
	{"general.events", "all", "events", "", plain},
	{"general.grouping", "all", "events-grouping", "", yes},
	gone("general.json", compact), gone("general.compress", notCompressed), gone("general.compression", notCompressed),
	{"general.backend", "all", "events-backend", "", backend},
	{"general.backend_user", "all", "events-backend-user", "", plain},
	{"general.backend_pwd", "all", "events-backend-password-file", inFile, file},
	{"general.max_retransmissions", "all", "events-retries", "", count},
	{"general.retransmissions_backoff", "all", "events-backoff", "", milliseconds},
}

const notCompressed = "events are not compressed"

// backend is a URL. One with a user is that without, since no secret is printed, and none belongs into an address.
func backend(v any) (string, bool) {
	text, ok := plain(v)
	u, err := url.Parse(text)
	if err != nil {
		return "", false
	}
	if u.User == nil {
		return text, ok
	}
	u.User = nil
	return u.String(), ok
}

// user tells what becomes of the user within a URL.
func user(v any) string {
	text, _ := plain(v)
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return ""
	}
	name := Key{Service: "all", Setting: "events-backend-user"}.with(u.User.Username())
	return "who it is goes into settings of its own: " + name + ", and the password into a file that --events-backend-password-file names"
}

func milliseconds(v any) (string, bool) {
	n, ok := whole(v)
	return fmt.Sprintf("%dms", n), ok && n >= 0
}
