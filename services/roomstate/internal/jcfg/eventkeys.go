package jcfg

import "fmt"

// SampleHandlerKeys are the keys of janus.eventhandler.sampleevh.jcfg, which posts events over HTTP.
var SampleHandlerKeys = []Key{
	gone("general.enabled", "on where --events-backend is set"),
	{"general.events", "all", "events", "", plain},
	{"general.grouping", "all", "events-grouping", "", yes},
	gone("general.json", compact), gone("general.compress", notCompressed), gone("general.compression", notCompressed),
	{"general.backend", "all", "events-backend", "", plain},
	{"general.backend_user", "all", "events-backend-user", "", plain},
	{"general.backend_pwd", "all", "events-backend-password-file", inFile, file},
	{"general.max_retransmissions", "all", "events-retries", "", plain},
	{"general.retransmissions_backoff", "all", "events-backoff", "", milliseconds},
}

const notCompressed = "events are not compressed"

func milliseconds(v any) (string, bool) {
	n, ok := number(v)
	return fmt.Sprintf("%dms", n), ok && n >= 0
}
