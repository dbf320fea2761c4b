package ctl

import (
	"github.com/alecthomas/kong"

	"github.com/cardea-rtc/cardea/proto/settings"
)

// referenceCommand is for docs/configuration.md.
type referenceCommand struct{}

// Run is of kong.
func (*referenceCommand) Run(con *console, parsed *kong.Context) error {
	return settings.CommandReference(parsed.Model, con.out)
}
