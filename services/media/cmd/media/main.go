// Command media runs a media node.
package main

import (
	"context"
	"io"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/media"
)

const about = "A media node of Cardea: receives from publishers, forwards to subscribers. " +
	"Or, with the same settings: media ports says what it listens on and what it tells endpoints, and why."

func main() {
	settings.SaveMemory()
	(&settings.Program[media.Config]{
		Name: "media", About: about, Version: media.Version,
		Logging:  func(c *media.Config) *settings.Logging { return &c.Logging },
		Internal: func(c *media.Config) string { return c.OpsListen },
		Check:    media.Config.Check,
		Run:      media.Run,
		Reports:  map[string]func(context.Context, media.Config, io.Writer) error{"ports": media.DescribePorts},
	}).Main()
}
