package transport

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/sctp"
)

// Some endpoints number their channels by another rule than that of DTLS roles, and have odd streams as a DTLS client.
func TestChannelsKeepOffTheStreamsOfTheEndpoint(t *testing.T) {
	for name, theirsFirst := range map[string]bool{"the endpoint's first": true, "ours first": false} {
		t.Run(name, func(t *testing.T) {
			e := talk(t, true)
			var next uint16 = 1
			all := map[string]*datachannel.DataChannel{}
			theirs := func() {
				label := fmt.Sprint("theirs", next)
				all[label] = e.open(next, datachannel.ChannelTypeReliable, label)
				next += 2
			}
			ours := func() {
				t.Helper()
				label := fmt.Sprint("ours", next)
				e.send(label, "hello")
				one := e.accept(label)
				e.next(one, "hello")
				if one.StreamIdentifier() != next {
					t.Errorf("opened on stream %d, %d is free", one.StreamIdentifier(), next)
				}
				all[label] = one
				next += 2
			}
			if theirsFirst {
				theirs()
			}
			ours()
			theirs()
			ours()
			e.move(nil)
			last := fmt.Sprint("ours", next-2)
			e.settled(all[last], last)
			ours()
			theirs()
			for label, one := range all {
				e.says(one, label, "to the node, on "+label)
				e.hears(one, label, "from the node, on "+label)
			}
			// Streams that have just been closed, by whichever side they were opened, are left alone.
			for _, one := range all {
				if err := one.Close(); err != nil {
					t.Fatal(err)
				}
				await(t, "change of channels", e.hearer.changed)
			}
			ours()
		})
	}
}

func TestMessagesWithoutAChannelAreCounted(t *testing.T) {
	e := talk(t, true)
	var last *datachannel.DataChannel
	for i := range uint16(maxChannels) {
		last = e.open(2*i, datachannel.ChannelTypeReliable, fmt.Sprint(i))
	}
	e.send("one more", "lost")
	e.hears(last, last.Label, "not lost")
	var lost uint64
	e.on(func(time.Duration) { lost = e.worker.inbound.Drops[DropDataNoChannel] })
	if lost != 1 {
		t.Errorf("%d messages are counted", lost)
	}
}

func TestAStreamThatIsBeingResetIsPassedOver(t *testing.T) {
	e := talk(t, true)
	stream, err := e.association.OpenStream(0, sctp.PayloadTypeWebRTCBinary)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil { // the node does not agree: it has no such stream
		t.Fatal(err)
	}
	c, used := newChannels(), newStreams(true)
	if one := c.dial(e.association, used, "label"); one == nil || one.state.Stream != 2 || !one.state.Ours || c.count != 1 {
		t.Fatalf("opened %+v, %d", one, c.count)
	}
	if err := e.association.Close(); err != nil {
		t.Fatal(err)
	}
	if one := c.dial(e.association, used, "another"); one != nil || c.count != 1 {
		t.Errorf("opened %+v without an association, %d", one, c.count)
	}
}

func TestStreamsRestAfterUse(t *testing.T) {
	for _, client := range []bool{true, false} {
		s := newStreams(client)
		first := s.first
		free := func(want uint16) {
			t.Helper()
			if id, ok := s.takeFree(); id != want || !ok {
				t.Errorf("stream %d (%t), want %d", id, ok, want)
			}
		}
		free(first)
		s.rest(first)
		free(first + 2)
		for range restingStreams {
			s.take(first + 4)
			s.rest(first + 4)
		}
		free(first)
		free(first + 6)
	}
}

func TestStreamsEnd(t *testing.T) {
	s := newStreams(true)
	for id := range lastStream {
		s.take(uint16(id))
	}
	if id, ok := s.takeFree(); id != lastStream || !ok {
		t.Errorf("stream %d (%t)", id, ok)
	}
	if id, ok := s.takeFree(); ok {
		t.Errorf("stream %d, though none is left", id)
	}
}
