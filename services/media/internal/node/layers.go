package node

// layerObserver tells which layers a leg relays (forward.LegObserver).
type layerObserver struct {
	peer       *peer
	mid, codec string
}

func (o *layerObserver) SubstreamChanged(substream int) { o.publish(Layer{Substream: &substream}) }

func (o *layerObserver) TemporalChanged(temporal int) { o.publish(Layer{Temporal: &temporal}) }

func (o *layerObserver) SpatialLayerChanged(spatial int) { o.publish(Layer{SpatialLayer: &spatial}) }

func (o *layerObserver) TemporalLayerChanged(temporal int) {
	o.publish(Layer{TemporalLayer: &temporal})
}

func (o *layerObserver) publish(l Layer) {
	l.MID, l.Codec = o.mid, o.codec
	o.peer.node.cfg.Events.Publish(o.peer.id, l)
}
