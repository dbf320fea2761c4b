package media

import (
	"encoding/binary"
	"flag"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

var measureRelayDelay = flag.Bool("relay.delay", false, "measure what a second node adds to a packet's delay")

// TestRelayDelay shows how long packets take from one endpoint to another over one node, and over two. It judges nothing.
func TestRelayDelay(t *testing.T) {
	t.Parallel()
	if !*measureRelayDelay {
		t.Skip("measures, on a machine that does nothing else: -relay.delay -v")
	}
	a, b := start(t), start(t)
	pub := a.dial()
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	pub.publish("feed")
	a.awaitUp(pub.id)
	near, far := a.dial(), b.dial()
	near.subscribe(slotFor("0", "feed", "0", "opus"))
	far.subscribe(a.at(slotFor("0", "feed", "0", "opus")))
	a.awaitUp(near.id)
	b.awaitUp(far.id)
	send := func() {
		audio.next.Payload = binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
		if err := audio.track.WriteRTP(&audio.next); err != nil {
			t.Fatal(err)
		}
		audio.next.SequenceNumber++
		audio.next.Timestamp += audio.step
		time.Sleep(5 * time.Millisecond)
	}
	var tracks [2]*received
	for tracks[0] == nil || tracks[1] == nil {
		send()
		select {
		case tracks[0] = <-near.tracks:
		case tracks[1] = <-far.tracks:
		default:
		}
	}
	const packets = 2000
	var delays [2][]time.Duration
	var wg sync.WaitGroup
	for i, track := range tracks {
		track.drain()
		wg.Go(func() {
			for range packets {
				select {
				case p := <-track.packets:
					delays[i] = append(delays[i], time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(p.Payload)))))
				case <-time.After(patience):
					return
				}
			}
		})
	}
	for range packets + 10 {
		send()
	}
	wg.Wait()
	for i, over := range []string{"one node", "two nodes"} {
		if len(delays[i]) == 0 {
			t.Fatalf("nothing came over %s", over)
		}
		slices.Sort(delays[i])
		t.Logf("over %s: median %v, 95 %% within %v", over, delays[i][len(delays[i])/2], delays[i][len(delays[i])*95/100])
	}
}
