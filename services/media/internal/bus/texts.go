package bus

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

const (
	// pendingTexts and pendingTextBytes are what waits for the node's workers. What comes then is dropped.
	pendingTexts     = 16384
	pendingTextBytes = 64 << 20
)

// Texts takes what roomstate has to say over data channels to the peers of a node.
type Texts struct {
	Conn *nats.Conn
	Name string // of the node
	Node interface {
		SendTexts(ctx context.Context, id node.PeerID, texts [][]byte) (bool, error)
	}
	Log *slog.Logger

	dropped atomic.Uint64
}

// Dropped is how many messages of roomstate's were not taken in time, or were none.
func (x *Texts) Dropped() uint64 { return x.dropped.Load() }

// Run hears and sends until ctx ends.
func (x *Texts) Run(ctx context.Context) error {
	lost := 0 // messages, that have been counted
	sub, err := x.Conn.Subscribe(bus.NodeTexts(x.Name), func(m *nats.Msg) {
		if all, err := m.Sub.Dropped(); err == nil && all > lost {
			x.dropped.Add(uint64(all - lost))
			lost = all
		}
		x.send(ctx, m.Data)
	})
	if err != nil {
		return fmt.Errorf("subscribe to texts: %w", err)
	}
	if err := sub.SetPendingLimits(pendingTexts, pendingTextBytes); err != nil {
		return fmt.Errorf("subscription to texts: %w", err)
	}
	<-ctx.Done()
	_ = sub.Unsubscribe() // fails only where the connection is gone
	return nil
}

// send takes one message apart: each peer gets its own texts at once, in order.
func (x *Texts) send(ctx context.Context, data []byte) {
	var all busv1.Texts
	if err := proto.Unmarshal(data, &all); err != nil {
		x.dropped.Add(1)
		x.Log.Warn("message is no Texts", "err", err)
		return
	}
	texts := map[node.PeerID][][]byte{}
	for _, t := range all.GetTexts() {
		for _, to := range t.GetTo() {
			id := node.PeerID{
				Handle:     node.Handle{Session: to.GetSessionId(), ID: to.GetHandleId()},
				Generation: to.GetGeneration(),
			}
			texts[id] = append(texts[id], t.GetText())
		}
	}
	for id, texts := range texts {
		// Who is not here has left, or is on a node of the same name.
		if _, err := x.Node.SendTexts(ctx, id, texts); err != nil && ctx.Err() == nil {
			x.Log.Debug("texts not sent", "session", id.Session, "handle", id.ID, "err", err)
		}
	}
}
