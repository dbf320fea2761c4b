package forward

// WantedLayers says which layers legs relay or might come to relay: bit n for layer n. A leg may at any time have to do with
// less than it wants, so whatever is below its target is wanted, too.
func (s *Stream) WantedLayers() (layers uint8) {
	for _, l := range s.legs {
		if !l.wanted && !l.expected {
			continue
		}
		highest := max(min(l.choice.targets.Substream, len(s.layers)-1), l.choice.current, 0)
		layers |= 1<<(highest+1) - 1
	}
	return layers
}

// wantedChanged tells if they are others than before.
func (s *Stream) wantedChanged() {
	if s.cfg.Wanted == nil {
		return
	}
	if layers := s.WantedLayers(); layers != s.wanted {
		s.wanted = layers
		s.cfg.Wanted(layers)
	}
}

// Expect says that a leg will flow soon: its state, of which this is an earlier version, is to come from another node. What
// it needs is wanted from now on.
func (l *Leg) Expect(s LegState) {
	l.expected = true
	l.expectedOn, l.epoch, l.top = s.Substream, s.Epoch, s.Top
	l.choice.targets = s.Targets
	if l.source != nil {
		l.source.wantedChanged()
	}
}
