package signaling

import (
	"cmp"
	"encoding/json"
	"net"
	"runtime/debug"

	"github.com/cardea-rtc/cardea/proto/version"
	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
)

// apiVersion is the Janus whose API this is, 1.4.2 as Janus writes it: clients choose by it how they speak.
const apiVersion = 1402

// info is the edge's part of server_info (spec/janus-api.md, section 6).
func info(cfg Config, auth edge.Auth, handlers bool) json.RawMessage {
	all := map[string]any{
		"name": "Cardea", "version": apiVersion, "version_string": Version, "author": "The Cardea authors",
		"log-to-stdout": false, "log-to-file": false,
		"server-name": cfg.ServerName, "local-ip": localIP(),
		"api_secret": auth.Secret != nil, "auth_token": auth.Tokens,
		"event_handlers": handlers, "opaqueid_in_api": cfg.OpaqueIDInAPI,
		"transports": transports(cfg), "events": eventHandlers(cfg), "loggers": map[string]any{},
	}
	describeBuild(all)
	b, _ := json.Marshal(all) // of strings, numbers and booleans: cannot fail
	return b
}

// module is how Janus describes a part.
type module struct {
	Name          string `json:"name"`
	Author        string `json:"author"`
	Description   string `json:"description"`
	VersionString string `json:"version_string"`
	Version       int    `json:"version"`
}

func transports(cfg Config) map[string]module {
	of := func(name, description string) module {
		return module{name, "The Cardea authors", description, Version, 1}
	}
	all := map[string]module{"janus.transport.websockets": of("Cardea WebSocket transport", "The Janus API over WebSocket")}
	if cfg.HTTPListen != "" || cfg.TLSCert != "" && cfg.HTTPSListen != "" {
		all["janus.transport.http"] = of("Cardea HTTP transport", "The Janus API over HTTP, events by long poll")
	}
	return all
}

// httpHandler is the name of Janus's handler that posts events, as Cardea does.
const httpHandler = "janus.eventhandler.sampleevh"

// handlers are the names of the event handlers that there are.
func handlers(cfg Config) []string {
	if cfg.Events.Backend == "" {
		return nil
	}
	return []string{httpHandler}
}

func eventHandlers(cfg Config) map[string]module {
	all := map[string]module{}
	for _, name := range handlers(cfg) {
		all[name] = module{"Cardea HTTP event handler", "The Cardea authors", "Posts events", Version, 1}
	}
	return all
}

// describeBuild adds what the Go tool noted when this program was built.
func describeBuild(all map[string]any) {
	all["commit-hash"] = cmp.Or(version.Revision(), "unknown")
	all["compile-time"] = cmp.Or(version.Committed(), "unknown") // of the commit: builds are the same whenever they are made
	dependencies := map[string]string{}
	if build, ok := debug.ReadBuildInfo(); ok {
		dependencies["go"] = build.GoVersion
		for _, d := range build.Deps {
			switch d.Path {
			case "github.com/gorilla/websocket", "github.com/nats-io/nats.go":
				dependencies[d.Path] = d.Version
			}
		}
	}
	all["dependencies"] = dependencies
}

// localIP is an address of this machine at which others may reach it: the first that is no loopback.
func localIP() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}
