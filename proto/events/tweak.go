package events

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// Tweaks is where all processes hear which kinds of events are wanted from now on: names as Config.Mask has them,
// comma-separated. A process that is started later goes by its own setting.
const Tweaks = "cardea.events.tweak"

// Follow changes which events are wanted as is said there, until stop.
func (e *Emitter) Follow(nc *nats.Conn) (stop func(), err error) {
	if e == nil {
		return func() {}, nil
	}
	sub, err := nc.Subscribe(Tweaks, func(m *nats.Msg) { e.mask.Store(uint32(known(string(m.Data)))) })
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", Tweaks, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// known is the mask of those names that are known; others are passed over, as at Janus.
func known(names string) Mask {
	var m Mask
	for name := range strings.SplitSeq(names, ",") {
		if one, err := ParseMask([]string{name}); err == nil {
			m |= one
		}
	}
	return m
}
