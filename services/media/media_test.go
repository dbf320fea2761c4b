package media

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

func TestPublishedMediaReachesASubscriber(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	audio, video := pub.send(webrtc.MimeTypeOpus, "a"), pub.send(webrtc.MimeTypeVP8, "v")
	answer := pub.publish("feed")
	if n := len(answer.GetStreams()); n != 2 {
		t.Fatalf("%d streams", n)
	}
	s.awaitUp(pub.id)
	audio.play(t, 20*time.Millisecond)
	video.play(t, 10*time.Millisecond)

	sub := s.dial()
	ready := sub.subscribe(slotFor("0", "feed", "0", "opus"), slotFor("1", "feed", "1", "vp8"))
	if len(ready) != 2 {
		t.Errorf("ready: %v", ready)
	}
	s.awaitUp(sub.id)
	for range 2 {
		track := sub.track()
		last := track.next(t)
		for range 50 {
			p := track.next(t)
			if p.SequenceNumber != last.SequenceNumber+1 {
				t.Fatalf("%s: %d after %d", track.Kind(), p.SequenceNumber, last.SequenceNumber)
			}
			if p.Timestamp == last.Timestamp {
				t.Errorf("%s: timestamp %d twice", track.Kind(), p.Timestamp)
			}
			last = p
		}
	}
}
