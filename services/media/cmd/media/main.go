// Command media runs a media node.
package main

import (
	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/media"
)

func main() {
	media.SaveMemory()
	(&settings.Program[media.Config]{
		Name: "media", About: "A media node of Cardea: receives from publishers, forwards to subscribers.", Version: media.Version,
		Logging:  func(c *media.Config) *settings.Logging { return &c.Logging },
		Internal: func(c *media.Config) string { return c.OpsListen },
		Run:      media.Run,
	}).Main()
}
