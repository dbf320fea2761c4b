package videoroom

import "slices"

type switchedView struct {
	VideoRoom string     `json:"videoroom"`
	Switched  string     `json:"switched"`
	Room      ID         `json:"room"`
	Changes   int        `json:"changes"`
	Streams   []slotView `json:"streams"`
}

// switchSources puts other streams behind slots, without an offer where the slot is active.
func (d *draft) switchSources(s *subscriber) *failure {
	if f := check(d.body, may("streams", array), may("feed", d.cfg.idKind())); f != nil {
		return f
	}
	if d.attributes == nil {
		return fail(errNoSuchRoom, "No such room ") // in Janus's words
	}
	items, f := d.switchItems(s)
	if f != nil {
		return f
	}
	wishes, f := d.wishes(items, true, s.encryption(), mixed)
	if f != nil {
		return f
	}
	changes, revived := 0, false
	for _, w := range wishes {
		mid, _ := w.item.Text("sub_mid")
		sl := s.slot(mid)
		from := source{Handle: w.feed.handle, Generation: w.feed.Generation, Feed: w.feed.ID, Mid: w.from.Mid}
		if sl == nil || sl.Type != w.from.Type || sl.Codec != w.from.Codec || sl.Source != nil && *sl.Source == from ||
			slices.Contains(sl.Data, from) {
			continue
		}
		revived = revived || !sl.fed()
		sl.Send, sl.Targets, sl.Now = true, highest, unknown
		if sl.Type == data {
			sl.Data = append(slices.Clone(sl.Data[min(1, len(sl.Data)):]), from) // in the place of the first
		} else {
			sl.take(from, w.from)
		}
		sl.set(w.item)
		changes++
	}
	if f := d.offerSwitched(s, changes, revived); f != nil {
		return f
	}
	d.notice(notice{Event: "switched"})
	d.reply(switchedView{"event", "ok", d.id, changes, d.slotViews(s)}, nil)
	return nil
}

// switchItems are the request's; in the legacy form, which names a feed alone, each stream of it goes to the first
// slot of its type and codec.
func (d *draft) switchItems(s *subscriber) ([]object, *failure) {
	items := d.body.Objects("streams")
	for _, item := range items {
		if f := check(item, must("mid", text), must("sub_mid", text), must("feed", d.cfg.idKind()),
			may("substream", positive), may("temporal", positive), may("spatial_layer", positive), may("temporal_layer", positive)); f != nil {
			return nil, f
		}
		for _, layer := range []string{"substream", "temporal", "spatial_layer", "temporal_layer"} {
			if n, _ := item.Int(layer); n > 2 {
				delete(item, layer) // counts as the highest
			}
		}
	}
	id, legacy := d.body.ID("feed", d.cfg.StringIDs)
	switch {
	case len(items) > 0:
		return items, nil
	case !legacy && d.cfg.StringIDs:
		return nil, fail(errMissing, "At least one between 'streams' and 'feed' must be specified")
	case !legacy:
		return nil, fail(errNoSuchFeed, "No such feed (0)")
	}
	p := d.feed(id)
	if p == nil || !p.live() {
		return nil, fail(errNoSuchFeed, "No such feed (%s)", id)
	}
	taken := map[string]bool{}
	for i := range p.Streams {
		from := &p.Streams[i]
		at := slices.IndexFunc(s.Slots, func(sl slot) bool {
			return sl.Type == from.Type && sl.Codec == from.Codec && !taken[sl.Mid]
		})
		if from.Disabled || at < 0 {
			continue
		}
		taken[s.Slots[at].Mid] = true
		items = append(items, object{"feed": d.body["feed"], "mid": from.Mid, "sub_mid": s.Slots[at].Mid})
	}
	if len(items) == 0 {
		return nil, fail(errInvalid, "Empty switch list")
	}
	return items, nil
}

// offerSwitched lets the node know: by an offer if a slot came alive, which then comes before the answer.
func (d *draft) offerSwitched(s *subscriber, changes int, revived bool) *failure {
	s.Changed = s.Changed || revived
	switch {
	case changes == 0:
		return nil
	case !revived || s.Offered:
		return d.inform(s)
	}
	jsep, err := d.makeOffer(s)
	if err != nil {
		return offerFailed(err)
	}
	if jsep != nil {
		d.reply(updatedView{"updated", d.id, d.slotViews(s)}, jsep)
	}
	return nil
}
