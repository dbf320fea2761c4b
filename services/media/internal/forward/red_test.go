package forward

import (
	"bytes"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	redOpus = 63 // payload types of the publisher
	opus    = 109
	legRED  = 120
)

// sound is the nth packet of some speech.
func sound(n int) []byte { return []byte{0x78, byte(n), byte(n), byte(n)} }

// redundant is the same with as many before it as are to be repeated.
func redundant(n, repeated int) *packet.Packet {
	var head, blocks []byte
	for i := repeated; i > 0; i-- {
		age := 960 * i
		head = append(head, 0x80|opus, byte(age>>6), byte(age<<2), byte(len(sound(n-i))))
		blocks = append(blocks, sound(n-i)...)
	}
	payload := append(append(append(head, opus), blocks...), sound(n)...)
	return &packet.Packet{
		Header: packet.Header{SSRC: 0x100, Seq: uint16(65530 + n), Timestamp: uint32(960 * n), PayloadType: redOpus}, Payload: payload,
		Arrival: start + time.Duration(n)*20*time.Millisecond,
	}
}

// redundantStream returns a stream of Opus with a leg that takes RED, and one that does not.
func redundantStream(t *testing.T) (s *Stream, with, without *subscriber) {
	p := new(publisher)
	s = NewStream(p.config(codec.Opus, 1))
	for i, red := range []uint8{legRED, 0} {
		l, sub := newLeg(t, codec.Opus)
		cfg := l.cfg
		cfg.RED, cfg.RTXSSRC, cfg.RTXPayloadType, cfg.NACK = red, 0, 0, false
		l.Reconfigure(cfg)
		l.Connect(s, start)
		l.SetFlowing(true, start)
		if with = sub; i == 0 {
			without = sub
		}
	}
	return s, without, with
}

func (s *Stream) giveRED(p *packet.Packet) {
	s.ReceiveRED(0, p, opus)
	s.Flush(p.Arrival)
}

func TestREDGoesToThoseWhoTakeIt(t *testing.T) {
	s, with, without := redundantStream(t)
	for n := range 10 {
		s.giveRED(redundant(n, min(n, 1)))
	}
	if len(with.sent) != 10 || len(without.sent) != 10 {
		t.Fatal(len(with.sent), len(without.sent))
	}
	for n := range 10 {
		if p := with.sent[n]; p.PayloadType != legRED {
			t.Error("payload type", p.PayloadType)
		} else if blocks, primary, err := codec.ParseRED(p.Payload, 96, nil); err != nil || len(blocks) != min(n, 1) || !bytes.Equal(p.Payload[primary:], sound(n)) {
			t.Errorf("packet %d with redundancy: %x: %v", n, p.Payload, err)
		}
		if p := without.sent[n]; p.PayloadType != 96 || !bytes.Equal(p.Payload, sound(n)) {
			t.Errorf("packet %d without: payload type %d, %x", n, p.PayloadType, p.Payload)
		}
	}
}

func TestLostSoundComesFromRedundancy(t *testing.T) {
	s, with, without := redundantStream(t)
	lost := map[int]bool{3: true, 6: true, 7: true, 8: true, 12: true}
	for n := range 15 {
		if !lost[n] {
			s.giveRED(redundant(n, min(n, 2)))
		}
	}
	for name, sub := range map[string]*subscriber{"with": with, "without": without} {
		var got []int
		for _, p := range sub.sent {
			payload := p.Payload
			if p.PayloadType == legRED {
				_, primary, err := codec.ParseRED(payload, 96, nil)
				if err != nil {
					t.Fatal(err)
				}
				payload = payload[primary:]
			}
			n := int(payload[1])
			if !bytes.Equal(payload, sound(n)) || p.Timestamp-sub.sent[0].Timestamp != uint32(960*n) || p.Seq-sub.sent[0].Seq != uint16(n) {
				t.Errorf("%s: packet %d: seq %d, timestamp %d, %x", name, n, p.Seq, p.Timestamp, payload)
			}
			got = append(got, n)
		}
		if want := 14; len(got) != want { // 6 was lost for good: only two are repeated
			t.Errorf("%s: got %v", name, got)
		}
	}
	if stats := s.Stats(0); stats.Restored != 4 {
		t.Errorf("restored %d", stats.Restored)
	}
}

// TestRedundancyOfSilence has a sender that leaves out of its redundancy what it did not send: blocks are then of
// earlier packets than their place says.
func TestRedundancyOfSilence(t *testing.T) {
	s, _, without := redundantStream(t)
	s.giveRED(redundant(1, 0))
	p := redundant(3, 2)
	p.Payload[5], p.Payload[6] = 0x1e, 0x00 // the last block is said to be as old as packet 1
	s.giveRED(p)
	if got := s.Stats(0).Restored; got != 0 || len(without.sent) != 2 {
		t.Errorf("restored %d, sent %d", got, len(without.sent))
	}
}

func TestMalformedREDIsDropped(t *testing.T) {
	s, with, without := redundantStream(t)
	s.giveRED(redundant(0, 0))
	for n, b := range [][]byte{{}, {0x80 | opus}, {0x80 | opus, 0, 3, 255, opus, 1}, {opus - 1, 1, 2}} {
		p := redundant(n+1, 0)
		p.Payload = b
		s.giveRED(p)
	}
	s.giveRED(redundant(5, 0))
	if got := s.Stats(0).Malformed; got != 4 || len(with.sent) != 2 || len(without.sent) != 2 {
		t.Errorf("%d malformed, sent %d and %d", got, len(with.sent), len(without.sent))
	}
}

func TestREDAllocatesNothing(t *testing.T) {
	s, _, _ := redundantStream(t)
	for _, l := range s.legs {
		l.cfg.Sender = new(sink)
	}
	n := 0
	for ; n < 200; n++ {
		s.giveRED(redundant(n, min(n, 2)))
	}
	packets := make([]*packet.Packet, 300)
	for i := range packets {
		packets[i] = redundant(n+i, 2)
	}
	i := 0
	if allocs := testing.AllocsPerRun(100, func() { s.giveRED(packets[2*i]); i++ }); allocs != 0 { // each other is lost
		t.Error(allocs, "allocations")
	}
}
