package videoroom

var slotTable = []field{
	may("mid", text), may("send", boolean),
	may("substream", positive), may("temporal", positive), may("fallback", positive),
	may("spatial_layer", positive), may("temporal_layer", positive),
	may("min_delay", integer), may("max_delay", integer),
}

// configureSubscription sets what is relayed, and renegotiates if asked to.
func (d *draft) configureSubscription(s *subscriber) *failure {
	if f := check(d.body,
		may("streams", array), may("update", boolean), may("restart", boolean),
		may("audio", boolean), may("video", boolean), may("data", boolean),
	); f != nil {
		return f
	}
	if s.Kicked {
		return fail(errUnauthorized, "Unauthorized, you have been kicked")
	}
	items := d.body.Objects("streams")
	flat := len(items) == 0
	if flat {
		items = []object{d.body.Item(slotTable...)}
	}
	named := false
	for _, item := range items {
		if f := d.fitsSlot(s, item, flat || len(items) == 1); f != nil {
			return f
		}
		named = named || item.Has("mid")
	}
	for _, item := range items {
		mid, one := item.Text("mid")
		for i := range s.Slots {
			if sl := &s.Slots[i]; !one || sl.Mid == mid {
				d.configureSlot(s, sl, item)
			}
		}
	}
	if !named {
		s.setLegacy(d.body)
	}
	if f := d.inform(s); f != nil {
		return f
	}
	return d.answerConfigure(s)
}

func (d *draft) fitsSlot(s *subscriber, item object, alone bool) *failure {
	if f := check(item, slotTable...); f != nil {
		return f
	}
	mid, ok := item.Text("mid")
	if !ok && !alone {
		return fail(errInvalid, "Invalid value (mid can't be null in a streams array)")
	}
	if ok && s.slot(mid) == nil {
		return fail(errNoSuchFeed, "No such mid '%s' in subscription", mid)
	}
	return layersInRange(item)
}

// configureSlot sets one slot. A layer that is relayed already is reported at once: no switch will do so.
func (d *draft) configureSlot(s *subscriber, sl *slot, item object) {
	sl.set(item)
	if send, ok := item.Bool("send"); ok {
		sl.Send = send
	}
	if n, ok := item.Int32("substream"); ok && sl.Type == video && n == sl.Now.Substream {
		d.tellLayer(s, layerView{Mid: sl.Mid, Substream: &n})
	}
	if n, ok := item.Int32("temporal"); ok && sl.Type == video && n == sl.Now.Temporal {
		d.tellLayer(s, layerView{Mid: sl.Mid, Temporal: &n})
	}
	if n, ok := item.Int32("spatial_layer"); ok && sl.Type == video && n == sl.Now.SpatialLayer {
		d.tellLayer(s, layerView{Mid: sl.Mid, SpatialLayer: &n})
	}
	if n, ok := item.Int32("temporal_layer"); ok && sl.Type == video && n == sl.Now.TemporalLayer {
		d.tellLayer(s, layerView{Mid: sl.Mid, TemporalLayer: &n})
	}
}

func (s *subscriber) setLegacy(body object) {
	for i := range s.Slots {
		if send, ok := body.Bool(s.Slots[i].Type); ok {
			s.Slots[i].Send = send
		}
	}
}

// answerConfigure says configured, with an offer if one was asked for and none waits for its answer.
func (d *draft) answerConfigure(s *subscriber) *failure {
	configured := configuredView{VideoRoom: "event", Room: d.id, Configured: "ok"}
	update, restart := d.body.BoolOr("update", false), d.body.BoolOr("restart", false)
	if !update && !restart || len(s.Slots) == 0 {
		d.reply(configured, nil)
		return nil
	}
	s.Restart = s.Restart || restart && s.Peer != nil
	s.Changed = true
	if s.Offered {
		d.reply(configured, nil) // the offer comes after the answer, as an updated
		return nil
	}
	jsep, err := d.makeOffer(s)
	if err != nil {
		return offerFailed(err)
	}
	if jsep != nil {
		d.reply(configured, jsep)
	}
	return nil
}
