package settings

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much garbage may lie about, in percent of what lives. Most memory of a node is of peers that stay, and of an edge
// of sockets that wait: neither makes much garbage, and to collect twice as often as Go does by itself costs next to nothing.
const gcPercent = 50

// SaveMemory is for the start of a process that is a node or an edge, unless GOGC says otherwise.
func SaveMemory() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
}
