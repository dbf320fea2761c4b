package videoroom

import "github.com/cardea-rtc/cardea/proto/fault"

// wishTable is what an item of a subscription may have.
func (c *Config) wishTable() []field {
	return []field{
		must("feed", c.idKind()), may("mid", text), may("crossrefid", text), may("send", boolean),
		may("substream", positive), may("temporal", positive),
		may("spatial_layer", positive), may("temporal_layer", positive),
		may("min_delay", integer), may("max_delay", integer),
	}
}

// wishes checks items one after another, each as a whole, and finds the streams that they mean. Those that are inactive for now are
// among them only if that is wanted.
func (d *draft) wishes(items []object, inactive bool, e2ee *bool, mixed func(feed ID, want bool) *failure) ([]wish, *failure) {
	var all []wish
	for _, item := range items {
		if f := check(item, d.cfg.wishTable()...); f != nil {
			return nil, f
		}
		id, _ := item.ID("feed", d.cfg.StringIDs)
		p := d.feed(id)
		if p == nil || !p.live() {
			return nil, fail(errNoSuchFeed, "No such feed (%s)", id)
		}
		if e2ee != nil && *e2ee != p.E2EE {
			return nil, mixed(id, *e2ee)
		}
		e2ee = &p.E2EE
		mid, named := item.Text("mid")
		if named && p.stream(mid) == nil {
			return nil, fail(errNoSuchFeed, "No such mid '%s' in feed (%s)", mid, id)
		}
		if f := layersInRange(item); f != nil {
			return nil, f
		}
		for i := range p.Streams {
			s := &p.Streams[i]
			if s.Disabled && !inactive || named && s.Mid != mid || s.Type != data && !relayable[s.Codec] {
				continue
			}
			all = append(all, wish{p, s, item})
		}
	}
	return all, nil
}

// mixed is what subscribe and switch say of a feed that does not go with the others.
func mixed(ID, bool) *failure {
	return fail(errInvalidFeed, "Can't mix normal and end-to-end encrypted subscriptions")
}

func layersInRange(item object) *failure {
	for _, name := range []string{"substream", "spatial_layer"} {
		if n, ok := item.Int(name); ok && n > 2 {
			return fail(errInvalid, "Invalid value (substream/spatial_layer should be 0, 1 or 2)")
		}
	}
	for _, name := range []string{"temporal", "temporal_layer"} {
		if n, ok := item.Int(name); ok && n > 2 {
			return fail(errInvalid, "Invalid value (temporal/temporal_layer should be 0, 1 or 2)")
		}
	}
	return nil
}

// set takes over what an item wants of a slot. Layers beyond the highest are the highest.
func (s *slot) set(item object) {
	for name, target := range map[string]*int32{
		"substream": &s.Targets.Substream, "temporal": &s.Targets.Temporal,
		"spatial_layer": &s.Targets.SpatialLayer, "temporal_layer": &s.Targets.TemporalLayer,
	} {
		if n, ok := item.Int32(name); ok && s.Type == video {
			*target = min(max(n, 0), 2)
		}
	}
	if n, ok := item.Uint32("fallback"); ok && s.Type == video {
		s.FallbackUS = n
	}
	if s.Type == video {
		setDelays(item, &s.MinDelay, &s.MaxDelay)
	}
}

// subscribe adds streams.
func (d *draft) subscribe(s *subscriber) *failure {
	if f := check(d.body, must("streams", array)); f != nil {
		return f
	}
	items := d.body.Objects("streams")
	if len(items) == 0 {
		return fail(errInvalid, "Empty subscription list")
	}
	return d.change(s, items, nil)
}

// unsubscribe takes streams away; what is not there is no change.
func (d *draft) unsubscribe(s *subscriber) *failure {
	if f := check(d.body, must("streams", array)); f != nil {
		return f
	}
	items := d.body.Objects("streams")
	if len(items) == 0 {
		return fail(errInvalid, "Empty unsubscription list")
	}
	return d.change(s, nil, items)
}

// update does both in one negotiation.
func (d *draft) update(s *subscriber) *failure {
	if f := check(d.body, may("subscribe", array), may("unsubscribe", array)); f != nil {
		return f
	}
	if !d.body.Has("subscribe") && !d.body.Has("unsubscribe") {
		return fail(errMissing, "At least one of either 'subscribe' or 'unsubscribe' must be present")
	}
	add := d.body.Objects("subscribe")
	remove := d.body.Objects("unsubscribe")
	if d.body.Has("subscribe") && len(add) == 0 {
		return fail(errInvalid, "Empty subscription list")
	}
	if d.body.Has("unsubscribe") && len(remove) == 0 {
		return fail(errInvalid, "Empty unsubscription list")
	}
	return d.change(s, add, remove)
}

// change takes away, then adds, and offers what came of it.
func (d *draft) change(s *subscriber, add, remove []object) *failure {
	for _, item := range remove {
		if f := check(item, may("feed", d.cfg.idKind()), may("mid", text), may("sub_mid", text)); f != nil {
			return f
		}
	}
	wishes, f := d.wishes(add, false, s.encryption(), mixed)
	if f != nil {
		return f
	}
	changed, rerouted := false, false
	for _, item := range remove {
		negotiated, data := s.remove(item, d.cfg.StringIDs)
		changed = changed || negotiated
		rerouted = rerouted || data
	}
	for _, w := range wishes {
		if sl := s.add(w); sl != nil {
			changed = true
			sl.tune(w)
		} else {
			rerouted = true
		}
		s.E2EE = w.feed.E2EE
	}
	return d.answerChange(s, changed, rerouted)
}

// tune sets what a wish wants of the slot it got; some of it counts only beside other fields, as at Janus.
func (s *slot) tune(w wish) {
	s.set(w.item)
	if send, ok := w.item.Bool("send"); ok && w.item.Has("mid") {
		s.Send = send
	}
}

// encryption is what the subscription is bound to already: nil as long as it has no source.
func (s *subscriber) encryption() *bool {
	for i := range s.Slots {
		if s.Slots[i].Source != nil || len(s.Slots[i].Data) > 0 {
			return &s.E2EE
		}
	}
	return nil
}

// remove takes away what an item names. It reports whether that has to be negotiated, and whether it concerns data,
// which has not.
func (s *subscriber) remove(item object, strings bool) (changed, rerouted bool) {
	if mid, ok := item.Text("sub_mid"); ok {
		sl := s.slot(mid)
		if sl != nil {
			sl.clear() // that is negotiated even if it was so already
		}
		return sl != nil, false
	}
	id, ok := item.ID("feed", strings)
	if !ok {
		return false, false
	}
	mid, named := item.Text("mid")
	for i := range s.Slots {
		sl := &s.Slots[i]
		if sl.Source != nil && sl.Source.Feed == id && (!named || sl.Source.Mid == mid) {
			sl.clear()
			changed = true
		}
		for j := len(sl.Data) - 1; j >= 0; j-- {
			if sl.Data[j].Feed == id && (!named || sl.Data[j].Mid == mid) {
				sl.Data = append(sl.Data[:j:j], sl.Data[j+1:]...)
				sl.Ready = sl.Ready && len(sl.Data) > 0 // until it is negotiated again
				rerouted = true
			}
		}
	}
	return changed, rerouted
}

// answerChange answers a request that may have changed slots, in one of Janus's three ways. A subscription whose
// PeerConnection was lost gets an offer of a new one.
func (d *draft) answerChange(s *subscriber, changed, rerouted bool) *failure {
	changed = changed || s.Unasked
	s.Changed, s.Unasked = s.Changed || changed, false
	switch {
	case s.Offered:
		if !changed { // whatever waits for the answer
			break
		}
		d.reply(updatedView{VideoRoom: "updating", Room: d.id}, nil)
		return nil
	case s.Changed || s.Peer == nil && len(s.Slots) > 0:
		jsep, err := d.makeOffer(s)
		if err != nil {
			return offerFailed(err)
		}
		if jsep != nil {
			d.reply(updatedView{"updated", d.id, d.slotViews(s)}, jsep)
			d.noticeSubscription("updated", s)
		}
		return nil
	}
	if rerouted {
		if f := d.inform(s); f != nil {
			return f
		}
	}
	d.reply(updatedView{VideoRoom: "updated", Room: d.id}, nil)
	return nil
}

// offerFailed is unserved, for an offer that a feed went away under.
func offerFailed(err error) *failure {
	if fault.Of(err) == fault.InvalidSDP {
		return fail(errInvalidSDP, "Can't offer an SDP with no stream")
	}
	return unserved(err)
}
