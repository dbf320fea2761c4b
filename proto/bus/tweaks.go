package bus

import (
	"fmt"

	"github.com/nats-io/nats.go"
)

// Tweaks is where all processes hear which kinds of events are wanted for event handlers from now on, as events.Emitter.Tweak
// reads them. A process that is started later goes by its own setting.
const Tweaks = "cardea.events.tweak"

// FollowTweaks calls apply with what is said there, until stop.
func FollowTweaks(nc *nats.Conn, apply func(kinds string)) (stop func(), err error) {
	sub, err := nc.Subscribe(Tweaks, func(m *nats.Msg) { apply(string(m.Data)) })
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", Tweaks, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
