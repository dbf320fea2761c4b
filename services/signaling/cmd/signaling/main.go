// Command signaling runs an edge.
package main

import (
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/signaling"
)

func main() {
	settings.SaveMemory()
	(&settings.Program[signaling.Config]{
		Name: "signaling", About: "The edge of Cardea: the Janus API over WebSocket and HTTP.", Version: signaling.Version,
		Logging:  func(c *signaling.Config) *settings.Logging { return &c.Logging },
		Internal: func(c *signaling.Config) string { return c.OpsListen },
		Check:    signaling.Config.Check,
		Run:      signaling.Run,
	}).Main()
}
