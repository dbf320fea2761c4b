package session

import (
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

func TestVerbsTellWhetherAPeerHasMoved(t *testing.T) {
	for want, news := range map[string]*busv1.PeerEvent{
		"moved":     {Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}},
		"not_moved": {Kind: &busv1.PeerEvent_NotMoved_{NotMoved: &busv1.PeerEvent_NotMoved{}}},
		"peer":      {Kind: &busv1.PeerEvent_Up_{Up: &busv1.PeerEvent_Up{}}},
	} {
		if got := Verb(&busv1.Command{Verb: &busv1.Command_Peer{Peer: news}}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Verb(new(busv1.Command)); got != "unknown" {
		t.Errorf("%q", got)
	}
}
