package media

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// halt makes the m= section of what is sent inactive. The returned func makes it active again, with another SSRC.
func (e *endpoint) halt() (resume func() *sample) {
	e.t.Helper()
	for _, sender := range e.GetSenders() {
		if err := e.RemoveTrack(sender); err != nil {
			e.t.Fatal(err)
		}
	}
	e.publish("feed")
	return func() *sample {
		video := e.send(webrtc.MimeTypeVP8, "again")
		e.publish("feed")
		return video
	}
}

func TestStreamThatWasInactiveReachesItsSubscribersAgain(t *testing.T) {
	t.Parallel()
	s, pub, sub, track := watched(t)
	resume := pub.halt()
	late := s.dial()
	late.subscribe(slotFor("0", "feed", "0", "vp8"))
	time.Sleep(50 * time.Millisecond)
	drainPackets(track)

	video := resume()
	if n := len(pub.GetTransceivers()); n != 1 {
		t.Fatalf("%d m= sections", n)
	}
	video.every = 1 << 20 // key frames come when asked for
	video.write(t)
	video.play(t, 10*time.Millisecond)
	first := track.next(t)
	if first.Payload[4]&1 != 0 {
		t.Error("it begins without a key frame")
	}
	track.next(t)
	late.track().next(t)

	// One that has unsubscribed in between stays so.
	empty := slotFor("0", "", "", "vp8")
	empty.Source = nil
	resume = pub.halt()
	sub.subscribe(empty)
	drainPackets(track)
	resume().play(t, 10*time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	if n := len(track.packets); n != 0 {
		t.Errorf("%d packets for an empty slot", n)
	}
}

func TestStreamThatIsOfferedInAnotherCodecForAWhileStaysSilent(t *testing.T) {
	t.Parallel()
	s, pub, _, track := watched(t)
	other := s.dial()
	other.send(webrtc.MimeTypeVP9, "v")
	offer := strings.ReplaceAll(other.offer(), "VP8/90000", "none/90000")
	offer = strings.ReplaceAll(offer, attribute(offer, "ice-ufrag"), attribute(pub.LocalDescription().SDP, "ice-ufrag"))
	vp9 := rules()
	vp9.VideoCodecs = []string{"vp9"}
	answer, err := s.api.AcceptOffer(t.Context(), &mediav1.AcceptOfferRequest{
		Peer: pub.id, CommandId: newCommand(), Sdp: offer, Feed: "feed", Rules: vp9,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.GetStreams()[0]; got.GetCodec() != "" || !got.GetDisabled() {
		t.Fatalf("taken, though subscribers have another codec: %v", got)
	}
	time.Sleep(50 * time.Millisecond)
	drainPackets(track)
	time.Sleep(100 * time.Millisecond)
	if n := len(track.packets); n != 0 {
		t.Errorf("%d packets of another codec", n)
	}
	pub.publish("feed")
	track.next(t)
}
