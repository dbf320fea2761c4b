package forward

// maxMissed is how many packets of a stream may be noted as missed at a time, for one replica.
const maxMissed = 256

// Missed are packets that there was no way to give to a replica when they came. They follow with the next burst that
// there is room for, as far as they are held by then. Its zero value is ready.
type Missed struct {
	packets []missedPacket
}

type missedPacket struct {
	layer int
	seq   uint64
}

// Miss notes what has come since the last Flush, and returns how many packets are given up for it: the oldest.
func (s *Stream) Miss(m *Missed) (lost int) {
	for i := range s.layers {
		for _, seq := range s.layers[i].burst {
			m.packets = append(m.packets, missedPacket{i, seq})
		}
	}
	if lost = len(m.packets) - maxMissed; lost > 0 {
		m.packets = append(m.packets[:0], m.packets[lost:]...)
		return lost
	}
	return 0
}

// CopyMissed makes b what was missed and what has come since the last Flush, in this order, and empties m. It returns how
// many of those missed are not held any more.
func (s *Stream) CopyMissed(b *Burst, m *Missed) (lost int) {
	s.begin(b)
	for _, p := range m.packets {
		t := s.layers[p.layer].ring.get(p.seq)
		if t == nil {
			lost++
		}
		b.add(p.layer, t)
	}
	m.packets = m.packets[:0]
	s.addBurst(b)
	return lost
}
