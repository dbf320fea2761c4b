package media

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// TestAStreamThatReachedItsBoundGoesOn has a keeper die while roomstate has no Redis: what is sent ends at the bound that the last
// kept value makes, however much comes then, and goes on once another keeper is noted.
func TestAStreamThatReachedItsBoundGoesOn(t *testing.T) {
	t.Parallel()
	a := start(t, func(c *Config) { c.KeepPeers = true })
	pub := a.dial()
	video := pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	a.awaitUp(pub.id)
	sub := a.dial()
	sub.subscribe(slotFor("0", "feed", "0", "vp8"))
	a.awaitUp(sub.id)

	var away atomic.Bool
	a.keepNode(func(_ string, _ uint64, reply *busv1.Reply) {
		if away.Load() {
			reply.Outcome = &busv1.Reply_Failure{Failure: &busv1.Failure{Reason: string(fault.NodeUnavailable)}}
		}
	})
	first := &recordingKeeper{}
	a.hears("b", first.start(t))
	var got *received
	for got == nil {
		video.write(t)
		select {
		case got = <-sub.tracks:
		case <-time.After(10 * time.Millisecond):
		}
	}
	arrived := 0
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * patience); !done(); {
			if time.Now().After(deadline) {
				t.Fatalf("not in time: %s", what)
			}
			video.write(t)
			select {
			case <-got.packets:
				arrived++
			case <-time.After(time.Millisecond):
			}
		}
	}
	await("a value is kept", func() bool { return first.kept.Load() > 0 })
	away.Store(true)
	first.silent.Store(true)
	dropped := func() int { return a.counter(`drops_total{reason="beyond_bound"}`) }
	await("the bound is reached", func() bool { return video.sent%100 == 0 && dropped() > 0 })
	const wrap = 1 << 16
	for range wrap * 3 / 4 { // an index that follows from the last one that was sent would be one that has been used
		video.write(t)
		if video.sent%64 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for len(got.packets) > 0 {
		<-got.packets
	}
	select {
	case p := <-got.packets:
		t.Fatalf("packet %d is beyond the bound", p.SequenceNumber)
	case <-time.After(100 * time.Millisecond):
	}

	away.Store(false)
	second := &recordingKeeper{}
	a.hears("c", second.start(t))
	arrived = 0
	await("media goes on", func() bool { return arrived > 50 })
}
