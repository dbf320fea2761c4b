package bus

import (
	"fmt"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// MediaSettings is where all nodes hear what administrators have set for them: busv1.MediaSettings. Roomstate says it again
// when a node appears.
const MediaSettings = "cardea.media.settings"

// FollowMediaSettings calls apply with what is said there, until stop.
func FollowMediaSettings(nc *nats.Conn, apply func(*busv1.MediaSettings)) (stop func(), err error) {
	sub, err := nc.Subscribe(MediaSettings, func(m *nats.Msg) {
		settings := new(busv1.MediaSettings)
		if proto.Unmarshal(m.Data, settings) == nil {
			apply(settings)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", MediaSettings, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
