package forward

// Talk says how talking is recognised.
type Talk struct {
	Packets int   // a verdict each so many packets; 0 for none ever
	Level   uint8 // a mean below this is talking, in -dBov
}

// talkMeter judges audio levels as Janus does: so many are added up, judged, and forgotten.
type talkMeter struct {
	rule    Talk
	sum     int
	packets int
	talking bool
}

// level takes the level of one packet, in -dBov. changed says that the verdict is another than before; mean is what
// it rests on.
func (m *talkMeter) level(level uint8) (mean float64, changed bool) {
	if m.rule.Packets == 0 {
		return 0, false
	}
	m.sum += int(level)
	m.packets++
	if m.packets < m.rule.Packets {
		return 0, false
	}
	mean = float64(m.sum) / float64(m.packets)
	m.sum, m.packets = 0, 0
	talking := mean < float64(m.rule.Level)
	changed = talking != m.talking
	m.talking = talking
	return mean, changed
}

func (m *talkMeter) set(rule Talk) {
	m.rule, m.sum, m.packets = rule, 0, 0
}
