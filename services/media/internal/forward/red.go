package forward

import (
	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// ReceiveRED takes a packet whose payload repeats earlier ones (RFC 2198), all of payload type pt. Legs that have
// agreed on it get the packet as it is, others its own payload. A packet that did not come, but is repeated here, is
// taken as if it had come just before.
func (s *Stream) ReceiveRED(layer int, p *packet.Packet, pt uint8) {
	y := &s.layers[layer]
	blocks, primary, err := codec.ParseRED(p.Payload, pt, s.blocks[:0])
	s.blocks = blocks[:0]
	if err != nil {
		y.stats.Malformed++
		return
	}
	s.restore(layer, p, blocks)
	if primary == len(p.Payload) {
		p.Payload, primary = nil, 0
	}
	if t := s.receive(layer, p); t != nil {
		t.red = uint16(primary)
	}
}

// restore takes the packets before p that have not come, oldest first: the last block is the one just before.
func (s *Stream) restore(layer int, p *packet.Packet, blocks []codec.REDBlock) {
	y := &s.layers[layer]
	if y.highest == 0 || p.SSRC != y.stats.SSRC {
		return
	}
	seq := packet.Nearest(y.highest, p.Seq)
	if seq <= y.highest || seq-y.highest > maxMissing {
		return // late itself, or after a jump
	}
	for i, b := range blocks {
		missing := seq - uint64(len(blocks)-i)
		if missing <= y.highest || len(b.Payload) == 0 {
			continue
		}
		ts := p.Timestamp - b.Age
		if last := y.ring.get(y.highest); last != nil && int32(ts-last.ts) <= 0 {
			continue // a sender that leaves packets out of its redundancy: this block is of an earlier one
		}
		y.stats.Restored++
		y.follow(missing, p.Arrival, false)
		s.take(layer, &packet.Packet{
			Header:  packet.Header{SSRC: p.SSRC, Seq: uint16(missing), Timestamp: ts, PayloadType: p.PayloadType},
			Payload: b.Payload, Arrival: p.Arrival,
		}, missing)
	}
}

// payload is what a leg sends of a packet, and under which payload type.
func (l *Leg) payload(t *slot) ([]byte, uint8) {
	switch {
	case t.red == 0:
		return t.payload, l.cfg.PayloadType
	case l.cfg.RED == 0:
		return t.payload[t.red:], l.cfg.PayloadType
	}
	return t.payload, l.cfg.RED
}
