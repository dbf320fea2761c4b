package media

import (
	"context"
	"encoding/json"
	"time"

	protobus "github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

const (
	// leaveAsk is how long roomstate may take to begin to move what is here.
	leaveAsk = 5 * time.Second
	// leaveLook is how often a node that leaves looks whether there is anything left.
	leaveLook = 50 * time.Millisecond
)

// leave has roomstate move all peers to other nodes, and waits until they are gone, but not beyond DrainTimeout. Where it
// cannot be asked, or knows no other node, those that are here end with this one.
func (s *service) leave() {
	if s.cfg.DrainTimeout <= 0 || s.node.Peers() == 0 {
		return
	}
	began := time.Now()
	parameters, _ := json.Marshal(map[string]any{ // of plain values
		"node": s.id, "deadline": max(1, int(s.cfg.DrainTimeout.Seconds())),
	})
	ctx, cancel := context.WithTimeout(context.Background(), min(leaveAsk, s.cfg.DrainTimeout))
	defer cancel()
	_, err := s.requests.Do(ctx, protobus.Commands, &busv1.Command{
		Id: protobus.NewCommandID(), Verb: &busv1.Command_Admin{Admin: &busv1.Admin{Request: "drain_node", Parameters: parameters}},
	}, nil)
	if err != nil {
		s.log.Warn("peers are not moved to other nodes", "peers", s.node.Peers(), "err", err)
		return
	}
	look := time.NewTicker(leaveLook)
	defer look.Stop()
	for s.node.Peers() > 0 && time.Since(began) < s.cfg.DrainTimeout {
		<-look.C
	}
	s.log.Info("drained", "left", s.node.Peers(), "took_ms", time.Since(began).Milliseconds())
}
