package media

import (
	"regexp"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// shows waits until /metrics has a line that matches.
func (s *system) shows(line string) {
	s.t.Helper()
	pattern := regexp.MustCompile("(?m)^" + line + "$")
	for deadline := time.Now().Add(patience); ; {
		all := metrics(s.t, s)
		if pattern.MatchString(all) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("never %q in\n%s", line, all)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func severalWorkers(c *Config) { c.Workers = 4 }

func TestFeedIsMirroredWhereItIsWatched(t *testing.T) {
	t.Parallel()
	s := start(t, severalWorkers)
	pub := s.dial()
	audio, video := pub.send(webrtc.MimeTypeOpus, "a"), pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	s.awaitUp(pub.id)
	audio.play(t, 20*time.Millisecond)
	video.play(t, 10*time.Millisecond)
	var subs []*endpoint
	for range 12 { // on all workers, whatever handles are called
		sub := s.dial()
		subs = append(subs, sub)
		sub.subscribe(slotFor("0", "feed", "0", "opus"), slotFor("1", "feed", "1", "vp8"))
	}
	for _, sub := range subs {
		for range 2 {
			track := sub.track()
			last := track.next(t)
			for range 20 {
				p := track.next(t)
				if p.SequenceNumber != last.SequenceNumber+1 {
					t.Fatalf("%s: %d after %d", track.Kind(), p.SequenceNumber, last.SequenceNumber)
				}
				last = p
			}
		}
	}
	s.shows("cardea_media_mirrors 3")
	for _, sub := range subs {
		s.close(sub.id)
	}
	s.shows("cardea_media_mirrors 0")
}

func TestMirrorEndsWithItsFeed(t *testing.T) {
	t.Parallel()
	s := start(t, severalWorkers)
	pub := s.dial()
	pub.send(webrtc.MimeTypeVP8, "v").play(t, 10*time.Millisecond)
	pub.publish("feed")
	var subs []*endpoint
	for range 12 {
		sub := s.dial()
		subs = append(subs, sub)
		sub.subscribe(slotFor("0", "feed", "0", "vp8"))
		sub.track().next(t)
	}
	s.shows("cardea_media_mirrors 3")
	s.close(pub.id)
	s.shows("cardea_media_mirrors 0")

	// Who publishes under the name next reaches the same slots.
	again := s.dial()
	again.send(webrtc.MimeTypeVP8, "v").play(t, 10*time.Millisecond)
	again.publish("feed")
	for _, sub := range subs {
		if _, err := s.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{
			Peer: sub.id, Slots: []*mediav1.Slot{slotFor("0", "feed", "0", "vp8")},
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.shows("cardea_media_mirrors 3")
}

// close ends a peer.
func (s *system) close(id *mediav1.PeerID) {
	s.t.Helper()
	if _, err := s.api.ClosePeer(s.t.Context(), &mediav1.ClosePeerRequest{Peer: id, Reason: "test"}); err != nil {
		s.t.Fatal(err)
	}
}

func TestMessagesReachSubscribersOnAllWorkers(t *testing.T) {
	t.Parallel()
	s := start(t, severalWorkers)
	pub := s.dial()
	dc, _, open := pub.channel("whatever")
	pub.publish("feed")
	await(t, "open channel", open)
	const subscribers = 12
	got := make(chan int, 2*subscribers)
	for i := range subscribers {
		sub := s.dial()
		next := byte(0)
		sub.OnDataChannel(func(dc *webrtc.DataChannel) {
			dc.OnMessage(func(m webrtc.DataChannelMessage) {
				if m.Data[0] != next {
					t.Errorf("subscriber %d got message %d, not %d", i, m.Data[0], next)
				}
				next++
				got <- i
			})
		})
		_, _, ready := sub.channel("JanusDataChannel")
		sub.subscribe(&mediav1.Slot{
			Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "feed", Label: "1234"}},
		})
		await(t, "open channel", ready)
	}
	s.shows("cardea_media_mirrors 3")
	for n := range byte(2) {
		if err := dc.Send([]byte{n}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * subscribers {
		await(t, "message", got)
	}
}
