package media

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// TestAPeerOnItsWayIsStillTheOthers ends it on the node that was to take it over: the one that has it is not concerned, and
// nobody hears of an end.
func TestAPeerOnItsWayIsStillTheOthers(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	pub := a.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	a.awaitUp(pub.id)
	take := func() []string {
		t.Helper()
		r, err := b.api.TakePeer(t.Context(), &mediav1.TakePeerRequest{Peer: pub.id, From: a.addresses.GRPC})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetCandidates()
	}
	first := take()
	if again := take(); len(first) == 0 || !slices.Equal(again, first) {
		t.Errorf("asked again, the node says %q, not %q", again, first)
	}
	born := func(s *system) [2]int64 {
		d, err := s.api.DescribePeer(t.Context(), &mediav1.DescribePeerRequest{SessionId: pub.id.GetSessionId(), HandleId: pub.id.GetHandleId()})
		if err != nil {
			t.Fatal(err)
		}
		return [2]int64{d.GetMadeUs(), d.GetUpUs()}
	}
	if there, here := born(a), born(b); here != there || there[0] == 0 || there[1] == 0 {
		t.Errorf("made and up at %d, and at %d after it moved", there, here)
	}
	if _, err := b.api.ClosePeer(t.Context(), &mediav1.ClosePeerRequest{Peer: pub.id, Reason: "Janus API"}); err != nil {
		t.Fatal(err)
	}
	take() // anew: it ends with the node
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if n := b.count(pub.id, func(e *busv1.PeerEvent) bool { return e.GetClosed() != nil }); n > 0 {
		t.Errorf("the node said %d times that the peer is closed", n)
	}
	if _, err := a.api.ExportPeer(t.Context(), &mediav1.ExportPeerRequest{Peer: pub.id}); err != nil {
		t.Errorf("the other node has lost it: %v", err)
	}
}

func TestADrainingNodeSaysSoAndRefusesPeers(t *testing.T) {
	t.Parallel()
	s := start(t)
	heard := make(chan *busv1.NodeStatus, 100)
	sub, err := s.nats.Subscribe(bus.NodeBeats, beats(t, func(b *busv1.NodeStatus) { heard <- b }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for _, draining := range []bool{true, false} {
		if _, err := s.api.SetDraining(t.Context(), &mediav1.SetDrainingRequest{Draining: draining}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.After(patience); ; {
			var b *busv1.NodeStatus
			select {
			case b = <-heard:
			case <-deadline:
				t.Fatalf("no beat that says draining is %t", draining)
			}
			if b.GetCapacityPackets() != uint64(workers)*packetsOfAWorker || b.GetMaxPeers() != 100 {
				t.Errorf("beat: %v", b)
			}
			if b.GetDraining() == draining {
				break
			}
		}
		_, err := s.api.MakeOffer(t.Context(), &mediav1.MakeOfferRequest{
			Peer: newPeer(), CommandId: newCommand(), Slots: []*mediav1.Slot{{Mid: "0", Kind: mediav1.Kind_KIND_DATA}},
		})
		if (err != nil) != draining {
			t.Errorf("draining %t: %v", draining, err)
		}
	}
}
