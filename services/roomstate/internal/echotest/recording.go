package echotest

import (
	"fmt"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// recording is what is written of the echo. A name given later counts for the next.
type recording struct {
	Take    uint32 `json:"take"`
	Base    string `json:"base"` // within a node's folder
	Stamped bool   `json:"stamped,omitempty"`
}

// recorded returns what the node is told of recording: nothing if that has not changed.
func (n *turn) recorded() *mediav1.Recording {
	record := value(n.Settings.Record, false)
	switch {
	case record == (n.Written != nil):
		return nil
	case !record:
		n.Written = nil
		return &mediav1.Recording{}
	}
	n.Takes++
	n.Written = &recording{Take: n.Takes, Base: value(n.Settings.Filename, "")}
	unnamed, order := fmt.Sprintf("echotest-%d", n.me().Handle), &mediav1.Recording{Take: n.Written.Take, Unnumbered: true}
	switch base := n.Written.Base; {
	case plugin.MayBeInFolder(base):
		order.Otherwise = unnamed
	case !plugin.StaysInFolder(base):
		n.Written.Base, n.Written.Stamped = unnamed, true
	}
	order.Base, order.Stamped = n.Written.Base, n.Written.Stamped
	return order
}
