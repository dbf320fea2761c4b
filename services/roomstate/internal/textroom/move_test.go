package textroom

import (
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

func TestTextsFollowAMemberWhosePeerMoves(t *testing.T) {
	s := newSim(t, Config{})
	s.api("al", `{"request":"create","room":5}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
	moved := func(node string, generation uint32, at int64) {
		s.run(roomName(request.NumberID(5)), plugin.Command{
			Command: &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
				Node: node, Generation: generation, Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{AtMs: at}},
			}}},
			Handle: plugin.Handle{ID: id("al")}, Over: true,
		})
	}
	node := func() string {
		s.data("bo", `{"textroom":"announcement","transaction":"1","room":5,"text":"x"}`)
		s.api("al", `{"request":"announcement","room":5,"text":"x"}`)
		for _, text := range s.last.Texts {
			for _, p := range text.To {
				return p.Node
			}
		}
		return ""
	}
	for i, c := range []struct {
		to         string
		generation uint32
		at         int64
		want       string
	}{
		{"n2", 1, 10, "n2"},
		{"n3", 1, 5, "n2"}, // it came late
		{"n3", 2, 20, "n2"},
		{"n4", 1, 30, "n4"},
	} {
		moved(c.to, c.generation, c.at)
		if got := node(); got != c.want {
			t.Errorf("%d: texts go to %q, not %q", i, got, c.want)
		}
	}
}
