package forward

import "github.com/cardea-rtc/cardea/services/media/internal/codec"

// layered is true if temporal layers may be cut: of simulcast and SVC streams, as at Janus.
func (s *Stream) layered() bool { return len(s.layers) > 1 || s.cfg.SVC }

// cut is true if a packet is above the temporal layer relayed.
func (l *Leg) cut(t *slot) bool {
	return l.source.layered() && int(t.desc.Temporal) > l.choice.temporal
}

// followTemporal moves towards the temporal layer wanted, at the start of a frame: down at once, up at a key frame or
// where the frame says that it can be done. Upwards it goes by single layers, since a frame that can be decoded on
// layer 0 alone says nothing of those between.
func (l *Leg) followTemporal(t *slot) {
	c := &l.choice
	target := c.targetTemporal(l.source.cfg.SVC)
	if !t.desc.Start || !l.source.layered() || c.temporal == target {
		return
	}
	frame := int(t.desc.Temporal)
	switch {
	case target < c.temporal, t.desc.Keyframe:
		c.temporal = target
	case t.desc.Switch == codec.UpHere && frame == c.temporal+1:
		c.temporal = frame
	case t.desc.Switch == codec.UpAfter && frame <= c.temporal:
		c.temporal = target
	}
}

// followSpatial moves towards the spatial layer wanted, at the start of a picture: down at once, up at a key frame.
func (l *Leg) followSpatial(t *slot) {
	c := &l.choice
	target := c.targetSpatial()
	if !l.source.cfg.SVC || !t.desc.Start || t.desc.Spatial != 0 {
		return
	}
	if target < c.spatial || t.desc.Keyframe {
		c.spatial = target
	}
}

// tellLayers tells which layers are relayed: of simulcast the temporal one, once a packet of the one wanted has been.
func (l *Leg) tellLayers(t *slot) {
	c := &l.choice
	switch {
	case l.source.cfg.SVC:
		l.tellSVC(t)
	case len(l.source.layers) > 1:
		temporal := int(t.desc.Temporal)
		if temporal != c.temporal || temporal != c.targetTemporal(false) || temporal == c.toldTemporal {
			return
		}
		c.toldTemporal = temporal
		l.cfg.Observer.TemporalChanged(temporal)
	}
}
