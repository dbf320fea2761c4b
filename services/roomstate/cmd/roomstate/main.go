// Command roomstate runs one replica of the service that knows sessions and rooms.
package main

import (
	"io"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

const about = "One replica of Cardea's keeper of sessions and rooms. " +
	"Or: roomstate read-jcfg FILE... says what the settings of a Janus server are here (janus.jcfg, janus.plugin.videoroom.jcfg)."

func main() {
	(&settings.Program[roomstate.Config]{
		Name: "roomstate", About: about, Version: roomstate.Version,
		Logging:  func(c *roomstate.Config) *settings.Logging { return &c.Logging },
		Internal: func(c *roomstate.Config) string { return c.OpsListen },
		Check:    roomstate.Config.Check,
		Run:      roomstate.Run,
		Others:   map[string]func([]string, io.Writer) error{"read-jcfg": readJCFG},
	}).Main()
}
