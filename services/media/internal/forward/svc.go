package forward

// tellSVC tells which spatial and temporal layers are relayed of what the publisher sends, which may be fewer than are
// wanted. A publisher whose pictures have no layers is not told of.
func (l *Leg) tellSVC(t *slot) {
	c := &l.choice
	spatial, temporal := min(int(t.desc.Spatial), sublayers-1), int(t.desc.Temporal)
	if t.desc.Start && spatial == 0 {
		l.tellSpatial() // the picture before is complete
	}
	c.spatialAt[spatial], c.latest = t.arrival, t.arrival
	if t.desc.End && spatial == c.spatial {
		l.tellSpatial()
	}
	rises, falls := temporal > c.toldTemporal, temporal == c.temporal && c.toldTemporal > temporal
	if (rises || falls) && l.source.layers[0].rates.several() {
		c.toldTemporal = temporal
		l.cfg.Observer.TemporalLayerChanged(temporal)
	}
}

// tellSpatial tells of the highest spatial layer that was part of the pictures relayed last.
func (l *Leg) tellSpatial() {
	c := &l.choice
	for spatial := min(c.spatial, sublayers-1); spatial >= 0; spatial-- {
		if at := c.spatialAt[spatial]; at == 0 || c.latest-at > defaultFallback {
			continue
		}
		if spatial != c.toldSpatial && l.source.layers[0].rates.several() {
			c.toldSpatial = spatial
			l.cfg.Observer.SpatialLayerChanged(spatial)
		}
		return
	}
}

// several is true if there are packets of another than the lowest layer.
func (r *rates) several() bool {
	for s := range r.bytes {
		for t := range r.bytes[s] {
			if s+t > 0 && (r.bytes[s][t] > 0 || r.bps[s][t] > 0) {
				return true
			}
		}
	}
	return false
}
