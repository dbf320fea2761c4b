package node

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// TestAStreamThatLacksPacketsIsLookedAfterMoreOften, until they have come, or nothing comes any more.
func TestAStreamThatLacksPacketsIsLookedAfterMoreOften(t *testing.T) {
	n, run := idleNode(t, 1)
	defer run()
	far := new(nowhere)
	f := new(flow)
	f.start(n.shards[0], forward.NewStream(forward.StreamConfig{Codec: codec.VP8, Layers: 1, NACK: true, Upstream: far, Observer: far}), 0)
	receive := func(seq uint16, now time.Duration) {
		f.stream.Receive(0, &packet.Packet{Header: packet.Header{Seq: seq}, Payload: make([]byte, 100), Arrival: now})
		f.received(now)
		n.shards[0].flush(now)
	}
	const second = time.Second
	for _, step := range []struct {
		name              string
		do                func()
		lively, repairing bool
	}{
		{"packets in order", func() { receive(1, second); receive(2, second) }, true, false},
		{"one is missing", func() { receive(4, second) }, true, true},
		{"still", func() { f.tick(second + repairTick) }, true, true},
		{"it comes", func() { receive(3, second+2*repairTick); f.tick(second + 3*repairTick) }, true, false},
		{"another is missing", func() { receive(6, second+3*repairTick) }, true, true},
		{"no more comes", func() { f.tick(second + 3*repairTick + livelyFor) }, false, false},
		{"all is well again", func() { receive(7, 60*second) }, true, false},
	} {
		if step.do(); f.lively != step.lively || f.repairing != step.repairing {
			t.Errorf("%s: lively %t, repairing %t", step.name, f.lively, f.repairing)
		}
	}
}
