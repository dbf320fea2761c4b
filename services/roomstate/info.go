package roomstate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/admin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/nodes"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// likeness is what Janus 1.4 says of a plugin whose API one here has: clients may choose by it how they speak.
type likeness struct {
	name    string
	version int
}

var likenesses = map[string]likeness{
	"janus.plugin.videoroom": {"JANUS VideoRoom plugin", 10}, "janus.plugin.echotest": {"JANUS EchoTest plugin", 7},
	"janus.plugin.videocall": {"JANUS VideoCall plugin", 6}, "janus.plugin.textroom": {"JANUS TextRoom plugin", 2},
}

// httpHandler is the name of Janus's event handler that posts events, as Cardea does.
const httpHandler = "janus.eventhandler.sampleevh"

// module is how Janus describes a part.
type module struct {
	Name          string `json:"name"`
	Author        string `json:"author"`
	Description   string `json:"description"`
	VersionString string `json:"version_string"`
	Version       int    `json:"version"`
}

// info returns what server_info says of sessions, plugins and media (spec/janus-api.md, section 6): of the cluster, as its nodes
// tell of themselves. The edge adds what is its own, event handlers among that.
func info(cfg Config, st *store.Store, registry *nodes.Registry, plugins map[string]plugin.Plugin) func(ctx context.Context) ([]byte, error) {
	modules := map[string]module{}
	for name := range plugins {
		modules[name] = module{
			Name: cmp.Or(likenesses[name].name, name), Author: "The Cardea authors", Description: "Cardea's " + name,
			VersionString: fmt.Sprintf("0.0.%d", max(1, likenesses[name].version)), Version: max(1, likenesses[name].version),
		}
	}
	return func(ctx context.Context) ([]byte, error) {
		set, err := st.Settings(ctx)
		if err != nil {
			return nil, err
		}
		timeout := cfg.SessionTimeout
		if set.SessionTimeout != nil {
			timeout = *set.SessionTimeout
		}
		serves, handlers := registry.Serves(), map[string]module{}
		if serves.PostsEvents || cfg.Events.Backend != "" {
			handlers[httpHandler] = module{"Cardea HTTP event handler", "The Cardea authors", "Posts events", Version, 1}
		}
		all := map[string]any{
			"accepting-new-sessions":  set.AcceptNewSessions == nil || *set.AcceptNewSessions,
			"session-timeout":         int(timeout.Seconds()),
			"reclaim-session-timeout": int(cfg.ReclaimSessionTimeout.Seconds()),
			"candidates-timeout":      int(cfg.CandidatesTimeout.Seconds()),
			"data_channels":           true,
			"ice-lite":                true,
			"ice-tcp":                 serves.ICETCP,
			"ipv6":                    serves.IPv6,
			"ice-nomination":          "regular",
			"ice-consent-freshness":   true, // a node ends a peer that it hears no checks of (RFC 7675)
			"ice-keepalive-conncheck": false,
			"hangup-on-failed":        true,
			"full-trickle":            false,
			"mdns-enabled":            false,                                 // names are neither resolved nor needed by a node
			"min-nack-queue":          admin.Knob(set, "set_min_nack_queue"), // told as it was set; rings of packets go by none
			"nack-optimizations":      admin.Knob(set, "set_nack_optimizations"),
			"twcc-period":             100, // ms: as often as nodes send transport-wide feedback
			"dtls-mtu":                1200,
			"static-event-loops":      0,
			"plugins":                 modules,
			"event_handlers":          serves.TellsEvents || cfg.Events.On(),
			"events":                  handlers,
		}
		if serves.IPv6 {
			all["ipv6-link-local"] = false
		}
		if len(serves.PublicIPs) > 0 {
			all["public-ip"] = serves.PublicIPs[0]
		}
		if len(serves.PublicIPs) > 1 {
			all["public-ips"] = serves.PublicIPs
		}
		return json.Marshal(all)
	}
}
