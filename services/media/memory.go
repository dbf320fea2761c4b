package media

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much garbage may lie about, in percent of what lives. Most of a node's memory is of peers that
// stay, and the way of a packet makes no garbage: to collect twice as often as Go does by itself costs next to nothing.
const gcPercent = 50

// SaveMemory is for the start of a process that is a node, unless GOGC says otherwise.
func SaveMemory() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
}
