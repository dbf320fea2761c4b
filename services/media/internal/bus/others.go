package bus

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

const (
	// othersFresh is how old the last beat may be of a node that counts as there.
	othersFresh = 3 * time.Second
	// mostOthers bounds how many are known.
	mostOthers = 4096
)

// Other is another node, as its beats say.
type Other struct {
	ID, Name, Address string
	Leaves            bool // it takes no new work, or ends
}

// Others are the other nodes that are heard.
type Others struct {
	own   string // id
	mu    sync.Mutex
	nodes map[string]heard // by id
}

type heard struct {
	Other
	at time.Time
}

// HearOthers listens for beats until stop is called.
func HearOthers(nc *nats.Conn, own string, log *slog.Logger) (o *Others, stop func(), err error) {
	o = &Others{own: own, nodes: map[string]heard{}}
	sub, err := nc.Subscribe(bus.NodeBeats, func(m *nats.Msg) {
		var s busv1.NodeStatus
		if err := proto.Unmarshal(m.Data, &s); err != nil {
			log.Warn("message is no NodeStatus", "subject", m.Subject, "err", err)
			return
		}
		o.heard(&s, time.Now())
	})
	if err != nil {
		return nil, nil, fmt.Errorf("subscribe to %s: %w", bus.NodeBeats, err)
	}
	return o, func() { _ = sub.Unsubscribe() }, nil
}

func (o *Others) heard(s *busv1.NodeStatus, now time.Time) {
	if s.GetId() == o.own || s.GetId() == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.nodes[s.GetId()]; !known && len(o.nodes) >= mostOthers {
		return
	}
	o.nodes[s.GetId()] = heard{Other{s.GetId(), s.GetName(), s.GetGrpcAddress(), s.GetDraining() || s.GetLeaving()}, now}
}

// List returns those that are there, by the order of their names.
func (o *Others) List() []Other {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []Other
	for id, n := range o.nodes {
		if now.Sub(n.at) >= othersFresh {
			delete(o.nodes, id)
			continue
		}
		all = append(all, n.Other)
	}
	slices.SortFunc(all, func(a, b Other) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}
