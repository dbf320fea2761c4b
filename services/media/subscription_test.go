package media

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// watched is a publisher of one VP8 stream under the name "feed", and somebody who watches it.
func watched(t *testing.T, change ...func(*Config)) (s *system, pub, sub *endpoint, track *received) {
	t.Helper()
	s = start(t, change...)
	pub = s.dial()
	video := pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	s.awaitUp(pub.id)
	video.play(t, 10*time.Millisecond)
	sub = s.dial()
	sub.subscribe(slotFor("0", "feed", "0", "vp8"))
	track = sub.track()
	track.next(t)
	return s, pub, sub, track
}

func TestAddedTrackCanBeSubscribedTo(t *testing.T) {
	t.Parallel()
	s, pub, sub, _ := watched(t)
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	answer := pub.publish("feed")
	if n := len(answer.GetStreams()); n != 2 || answer.GetStreams()[1].GetCodec() != "opus" {
		t.Fatalf("streams %v", answer.GetStreams())
	}
	audio.play(t, 20*time.Millisecond)
	sub.subscribe(slotFor("0", "feed", "0", "vp8"), slotFor("1", "feed", "1", "opus"))
	added := sub.track()
	if added.Kind() != webrtc.RTPCodecTypeAudio {
		t.Errorf("got %s", added.Kind())
	}
	added.next(t)
	if ups := s.count(pub.id, func(e *busv1.PeerEvent) bool { return e.GetUp() != nil }); ups != 1 {
		t.Errorf("up %d times", ups)
	}
}

func TestSlotGoesInactiveAndComesBack(t *testing.T) {
	t.Parallel()
	_, _, sub, track := watched(t)
	empty := slotFor("0", "", "", "vp8")
	empty.Source, empty.Msid = nil, ""
	offer := sub.makeOffer(empty)
	if !strings.Contains(offer, "a=inactive") || !strings.Contains(offer, "a=group:BUNDLE 0\r\n") || !strings.Contains(offer, "m=video 9 ") {
		t.Fatalf("offer of an empty slot:\n%s", offer)
	}
	if ready := sub.answer(offer); len(ready) != 0 {
		t.Errorf("ready: %v", ready)
	}
	drainPackets(track)
	time.Sleep(100 * time.Millisecond)
	drainPackets(track)
	if len(track.packets) != 0 {
		t.Error("packets for an empty slot")
	}
	if ready := sub.subscribe(slotFor("0", "feed", "0", "vp8")); len(ready) != 1 {
		t.Errorf("ready: %v", ready)
	}
	again := sub.track()
	for again.SSRC() == track.SSRC() { // of what came after the offer was applied here, and before the answer was there
		again = sub.track()
	}
	again.next(t)
}

func drainPackets(r *received) {
	for len(r.packets) > 0 {
		<-r.packets
	}
}

func TestSourceSwitchesWithoutSDP(t *testing.T) {
	t.Parallel()
	s, _, sub, track := watched(t)
	other := s.dial()
	video := other.send(webrtc.MimeTypeVP8, "w")
	video.every = 5
	video.next.SequenceNumber, video.next.Timestamp = 7, 4_000_000_000
	other.publish("other")
	s.awaitUp(other.id)
	video.play(t, 10*time.Millisecond)

	last := track.next(t)
	_, err := s.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{
		Peer: sub.id, Slots: []*mediav1.Slot{slotFor("0", "other", "0", "vp8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		p := track.next(t)
		if p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("%d after %d", p.SequenceNumber, last.SequenceNumber)
		}
		if step := p.Timestamp - last.Timestamp; step == 0 || step > 90000 {
			t.Fatalf("timestamp moved by %d", step)
		}
		last = p
	}
}

func TestPausedSubscriberGetsNothing(t *testing.T) {
	t.Parallel()
	s, _, sub, track := watched(t)
	update := func(paused bool) {
		_, err := s.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{
			Peer: sub.id, Slots: []*mediav1.Slot{slotFor("0", "feed", "0", "vp8")}, Paused: paused,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	update(true)
	time.Sleep(50 * time.Millisecond)
	drainPackets(track)
	time.Sleep(100 * time.Millisecond)
	if n := len(track.packets); n != 0 {
		t.Errorf("%d packets while paused", n)
	}
	s.shows(`cardea_media_left_out_total\{reason="not_flowing"\} [1-9].*`)
	update(false)
	track.next(t)
}

func TestStreamsAreCountedWhileTheirPeersAreThere(t *testing.T) {
	t.Parallel()
	s, pub, sub, _ := watched(t)
	s.shows(`cardea_media_streams\{direction="in"\} 1`)
	s.shows(`cardea_media_streams\{direction="out"\} 1`)
	for _, e := range []*mediav1.PeerID{sub.id, pub.id} {
		if _, err := s.api.ClosePeer(t.Context(), &mediav1.ClosePeerRequest{Peer: e}); err != nil {
			t.Fatal(err)
		}
	}
	s.shows(`cardea_media_streams\{direction="in"\} 0`)
	s.shows(`cardea_media_streams\{direction="out"\} 0`)
}

func TestRepeatedCommandHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	r := &mediav1.AcceptOfferRequest{Peer: pub.id, CommandId: newCommand(), Sdp: pub.offer(), Feed: "feed", Rules: rules()}
	first, err := s.api.AcceptOffer(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.api.AcceptOffer(t.Context(), r)
	if err != nil || again.GetSdp() != first.GetSdp() {
		t.Errorf("another answer (%v)", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	offer := pub.offer()
	accept := func(change func(*mediav1.AcceptOfferRequest)) error {
		r := &mediav1.AcceptOfferRequest{Peer: pub.id, CommandId: newCommand(), Sdp: offer, Feed: "feed", Rules: rules()}
		change(r)
		_, err := s.api.AcceptOffer(t.Context(), r)
		return err
	}
	subscribe := func(slot *mediav1.Slot) error {
		_, err := s.api.MakeOffer(t.Context(), &mediav1.MakeOfferRequest{Peer: newPeer(), CommandId: newCommand(), Slots: []*mediav1.Slot{slot}})
		return err
	}
	closed := newPeer()
	if err := accept(func(r *mediav1.AcceptOfferRequest) { r.Peer = closed; r.Feed = "" }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.api.ClosePeer(t.Context(), &mediav1.ClosePeerRequest{Peer: closed, Reason: "Janus API"}); err != nil {
		t.Fatal(err)
	}
	s.awaitClosed(closed, "Janus API")
	for _, c := range []struct {
		name string
		err  error
		want fault.Reason
	}{
		{"nonsense", accept(func(r *mediav1.AcceptOfferRequest) { r.Sdp = "nonsense" }), fault.InvalidSDP},
		{"text m= section", accept(func(r *mediav1.AcceptOfferRequest) { r.Sdp = strings.Replace(offer, "m=video", "m=text", 1) }), fault.InvalidSDP},
		{"a generation that is over", accept(func(r *mediav1.AcceptOfferRequest) { r.Peer = closed }), fault.NoSuchPeer},
		{"a feed that is not here", subscribe(slotFor("0", "nobody", "0", "vp8")), fault.NoSuchFeed},
		{"an answer to nothing", func() error {
			_, err := s.api.AcceptAnswer(t.Context(), &mediav1.AcceptAnswerRequest{Peer: newPeer(), Sdp: offer})
			return err
		}(), fault.NoSuchPeer},
	} {
		if got := fault.Of(fault.FromStatus(c.err)); got != c.want {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	if err := accept(func(*mediav1.AcceptOfferRequest) {}); err != nil {
		t.Errorf("after refusals: %v", err)
	}
}

// TestAnAnswerMayComeAgain: what it says then counts.
func TestAnAnswerMayComeAgain(t *testing.T) {
	t.Parallel()
	s, _, sub, track := watched(t)
	answer := func(sdp string) []string {
		t.Helper()
		r, err := s.api.AcceptAnswer(t.Context(), &mediav1.AcceptAnswerRequest{Peer: sub.id, CommandId: newCommand(), Sdp: sdp})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetReady()
	}
	first := sub.LocalDescription().SDP
	if ready := answer(first); len(ready) != 1 {
		t.Errorf("ready %v", ready)
	}
	drainPackets(track)
	track.next(t)
	if ready := answer(strings.ReplaceAll(first, "a=recvonly", "a=inactive")); len(ready) != 0 {
		t.Errorf("inactive, but ready %v", ready)
	}
	time.Sleep(50 * time.Millisecond)
	drainPackets(track)
	time.Sleep(100 * time.Millisecond)
	if n := len(track.packets); n != 0 {
		t.Errorf("%d packets for an inactive m= section", n)
	}
	if ready := answer(first); len(ready) != 1 {
		t.Errorf("ready %v", ready)
	}
	track.next(t)

	other := s.dial()
	other.send(webrtc.MimeTypeVP8, "v")
	_, err := s.api.AcceptAnswer(t.Context(), &mediav1.AcceptAnswerRequest{Peer: sub.id, CommandId: newCommand(), Sdp: other.offer() + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:x\r\n"})
	if got := fault.Of(fault.FromStatus(err)); got != fault.InvalidSDP {
		t.Errorf("an answer to something else: %v", err)
	}
}
