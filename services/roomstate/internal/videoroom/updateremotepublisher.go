package videoroom

import "github.com/cardea-rtc/cardea/proto/mediav1"

// updateRemotePublisher changes what is known of a remote publisher. Streams that it has change their description, or whether
// they are there; the next by its mindex is added, and others are passed over, as at Janus.
func (d *draft) updateRemotePublisher() (any, *failure) {
	if f := check(d.body, must("room", d.cfg.idKind()), must("id", d.cfg.idKind()), may("display", text), may("metadata", dict),
		may("srtp_suite", positive), may("srtp_crypto", text), must("streams", array)); f != nil {
		return nil, f
	}
	if f := d.checkRemoteStreams(); f != nil {
		return nil, f
	}
	if f := checkDestination(d.body); f != nil {
		return nil, f
	}
	p, f := d.remotePublisher()
	if f != nil {
		return nil, f
	}
	if f := d.mayForward(); f != nil {
		return nil, f
	}
	if f := d.personalFits(p); f != nil {
		return nil, f
	}
	p = d.own(p)
	if display, ok := d.body.Text("display"); ok {
		p.Display = &display
	}
	if metadata, ok := d.body.Raw("metadata"); ok {
		p.Metadata = metadata
	}
	changed := false
	for _, item := range d.body.Objects("streams") {
		changed = d.updateRemoteStream(p, item) || changed
	}
	if len(p.Streams) > mostRemoteStreams {
		return nil, fail(errInvalid, "Invalid element value (more than %d streams)", mostRemoteStreams)
	}
	if changed || srtp(d.body) != nil {
		_, ok, err := d.call(p.handle, p.Peer, d.acceptRemote(p))
		if !ok {
			return nil, nil
		}
		if err != nil {
			return nil, notAccepted(p, err)
		}
		p.Peer.Told++
		p.keepForwards()
		if ok, f := d.keepMuted(p); !ok || f != nil {
			return nil, f
		}
	}
	if changed {
		d.tellOthers(p.handle, publishersView{"event", d.id, []feedView{p.feedEvent()}})
	}
	return successView{"success"}, nil
}

// keepMuted tells the node of what is moderated: it does not know that of a stream that comes back. It is not ok if what it
// says is not known yet.
func (d *draft) keepMuted(p *publisher) (ok bool, f *failure) {
	var muted []*mediav1.StreamState
	for i := range p.Streams {
		if s := &p.Streams[i]; !s.relayed() {
			muted = append(muted, &mediav1.StreamState{Mid: s.Mid, Relay: new(false)})
		}
	}
	if len(muted) == 0 {
		return true, nil
	}
	_, ok, err := d.call(p.handle, p.Peer, &mediav1.UpdatePublisherRequest{Peer: peerID(p.handle, p.Peer), Streams: muted})
	if !ok {
		return false, nil
	}
	if err != nil {
		return true, unserved(err)
	}
	p.Peer.Told++
	return true, nil
}

// updateRemoteStream reports whether others are to hear of it. As at Janus that is so of each stream that has no description.
func (d *draft) updateRemoteStream(p *publisher, item object) (changed bool) {
	mid, _ := item.Text("mid")
	s := p.stream(mid)
	if at, _ := item.Int("mindex"); s == nil && at != int64(len(p.Streams)) {
		return false // neither one that is there nor the next
	}
	if s == nil {
		p.Streams = append(p.Streams, d.remoteStream(item, len(p.Streams)))
		return true
	}
	description, described := item.Text("description")
	changed = s.Description == "" || described && description != s.Description
	if described {
		s.Description = description
	}
	if disabled, ok := item.Bool("disabled"); ok && disabled != s.Disabled && (disabled || s.Type == data || s.Codec != "") {
		s.Disabled, changed = disabled, true
	}
	return changed
}
