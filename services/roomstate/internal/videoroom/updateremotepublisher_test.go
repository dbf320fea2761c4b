package videoroom

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// TestModeratedStreamsStayMuted: a stream that is taken away and comes back is a new one to the node, which is told again that
// it is not to be relayed.
func TestModeratedStreamsStayMuted(t *testing.T) {
	s := newSim(Config{})
	var orders []string
	s.refuse = func(q plugin.Question) error {
		switch r := q.Request.(type) {
		case *mediav1.AcceptRemoteRequest:
			orders = append(orders, "streams")
		case *mediav1.UpdatePublisherRequest:
			for _, state := range r.GetStreams() {
				orders = append(orders, fmt.Sprint(state.GetMid(), " ", state.GetRelay()))
			}
		}
		return nil
	}
	update := func(disabled bool) {
		s.send("al", fmt.Sprintf(`{"request":"update_remote_publisher","room":7,"id":6,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus","disabled":%t}]}`, disabled))
	}
	s.send("al", `{"request":"create","room":7}`)
	s.send("al", `{"request":"add_remote_publisher","room":7,"id":6,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"},{"type":"video","mid":"1","mindex":1,"codec":"vp8"}]}`)
	s.send("al", `{"request":"moderate","room":7,"id":6,"mid":"0","mute":true}`)
	update(true)
	update(false)
	want := []string{"streams", "0 false", "streams", "0 false", "streams", "0 false"}
	if !slices.Equal(orders, want) {
		t.Errorf("the node was told %q, want %q", orders, want)
	}
}
