package media

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func TestRelayCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	s, pub, _, track := watched(t)
	relay := func(on bool) {
		_, err := s.api.UpdatePublisher(t.Context(), &mediav1.UpdatePublisherRequest{
			Peer: pub.id, Streams: []*mediav1.StreamState{{Mid: "0", Relay: &on}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	relay(false)
	time.Sleep(50 * time.Millisecond)
	drainPackets(track)
	time.Sleep(100 * time.Millisecond)
	if n := len(track.packets); n != 0 {
		t.Errorf("%d packets", n)
	}
	relay(true)
	track.next(t)
}

func TestTalkingIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	const uri = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	pub := s.dial(func(d *dialing) { d.extensions = append(d.extensions, uri) })
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	answer := pub.publish("feed", func(r *mediav1.AcceptOfferRequest) {
		r.Rules.Talk = &mediav1.Talk{Packets: 10, Level: 50}
	})
	id := answer.GetStreams()[0].GetAudioLevelId()
	if id == 0 {
		t.Fatal("no audio level")
	}
	s.awaitUp(pub.id)
	for _, c := range []struct {
		level   uint8
		talking bool
	}{{20, true}, {100, false}} {
		for range 20 {
			level, err := (&rtp.AudioLevelExtension{Level: c.level}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if err := audio.next.SetExtension(uint8(id), level); err != nil {
				t.Fatal(err)
			}
			audio.write(t)
			time.Sleep(time.Millisecond)
		}
		s.await(pub.id, "talking", func(e *busv1.PeerEvent) bool {
			talk := e.GetTalking()
			return talk != nil && talk.GetMid() == "0" && talk.GetTalking() == c.talking
		})
	}
}
