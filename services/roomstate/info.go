package roomstate

import (
	"encoding/json"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// info is what server_info says of sessions, plugins and media (spec/janus-api.md, section 6).
func info(cfg Config, plugins map[string]plugin.Plugin) []byte {
	type module struct {
		Name          string `json:"name"`
		Author        string `json:"author"`
		Description   string `json:"description"`
		VersionString string `json:"version_string"`
		Version       int    `json:"version"`
	}
	modules := map[string]module{}
	for name := range plugins {
		modules[name] = module{Name: name, Author: "Cardea", Description: "Cardea's " + name, VersionString: Version, Version: 1}
	}
	b, _ := json.Marshal(map[string]any{ // of strings, numbers and booleans: cannot fail
		"session-timeout":         int(cfg.SessionTimeout.Seconds()),
		"reclaim-session-timeout": int(cfg.ReclaimSessionTimeout.Seconds()),
		"data_channels":           true,
		"ice-lite":                true,
		"ice-tcp":                 true,
		"ipv6":                    true,
		"full-trickle":            false,
		"plugins":                 modules,
	})
	return b
}
