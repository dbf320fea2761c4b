// Command standalone is all of Cardea in one process: for a first look, for development, and for one machine that is
// enough.
package main

import (
	"context"
	"log/slog"

	"github.com/cardea-rtc/cardea/proto/settings"
	"github.com/cardea-rtc/cardea/services/media"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
)

// version is set when images are built.
var version = "dev"

func main() {
	settings.SaveMemory()
	tellVersion(version)
	(&settings.Program[config]{
		Name: "standalone", About: "Cardea in one process, with a page to try it on.", Version: version,
		Logging:  func(c *config) *settings.Logging { return &c.Logging },
		Internal: func(c *config) string { return c.OpsListen },
		Check:    config.check,
		Run: func(ctx context.Context, c config, log *slog.Logger) error {
			if c.PageOnly {
				return servePage(ctx, c, log)
			}
			return serveAll(ctx, c, log)
		},
	}).Main()
}

// tellVersion has the services inside say that they are of this build: in info, and in traces.
func tellVersion(version string) {
	signaling.Version, roomstate.Version, media.Version = version, version, version
}
