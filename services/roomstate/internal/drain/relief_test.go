package drain

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// overfull is one node that has a peer in five too many.
type overfull struct{ share float64 }

func (o *overfull) Overfull(time.Time) []plugin.Overfull {
	if o.share <= 1 {
		return nil
	}
	return []plugin.Overfull{{Node: "n1", Share: o.share, Peers: 40}}
}

func TestWhoHasTooMuchGivesSomeOfItAway(t *testing.T) {
	n, _ := start(t)
	n.stuck = func(h plugin.HandleID) bool { return h.Handle%4 == 0 }
	full := &overfull{share: 1.25}
	relief := &Relief{Store: n, Nodes: full, Requests: n, Replica: "r1", Log: slog.New(slog.DiscardHandler)}
	other := &Relief{Store: n, Nodes: full, Requests: n, Replica: "r2", Log: slog.New(slog.DiscardHandler)}
	now := time.Now()
	relief.Pass(t.Context(), now)
	asked := len(n.asked)
	if asked < reliefAtOnce || asked > 2*reliefAtOnce {
		t.Errorf("%d asked at once", asked)
	}
	other.Pass(t.Context(), now)
	if len(n.asked) != asked {
		t.Error("two replicas relieve a node at once")
	}
	n.arrive()
	if gone := 200 - len(n.peers); gone != reliefAtOnce {
		t.Errorf("%d have gone", gone)
	}
	relief.Pass(t.Context(), now.Add(reliefEvery))
	for h, times := range n.asked {
		if times > 1 {
			t.Errorf("%v is asked to move %d times within a minute", h, times)
		}
	}
	n.arrive()
	full.share = 0.95
	before := len(n.asked)
	relief.Pass(t.Context(), now.Add(2*reliefEvery))
	if len(n.asked) != before {
		t.Error("a node is relieved that has room")
	}
}
