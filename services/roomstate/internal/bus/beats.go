package bus

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

// HearBeats gives heard the beats of nodes, until stop is called.
func HearBeats(nc *nats.Conn, heard func(*busv1.NodeStatus), log *slog.Logger) (stop func(), err error) {
	sub, err := nc.Subscribe(bus.NodeBeats, func(m *nats.Msg) {
		status := new(busv1.NodeStatus)
		if err := proto.Unmarshal(m.Data, status); err != nil {
			log.Warn("message is no NodeStatus", "subject", m.Subject, "err", err)
			return
		}
		heard(status)
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", bus.NodeBeats, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
