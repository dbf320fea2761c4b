package videoroom

// The requests by which Janus cascades a publisher from one server to another. There is nothing to cascade here, where
// any number of nodes are one server: sound requests are refused, or find nothing.

var remoteStreamTable = []field{
	must("mid", text), must("mindex", positive), must("type", text), may("codec", text), may("description", text),
	may("disabled", boolean), may("stereo", boolean), may("fec", boolean), may("dtx", boolean),
	may("h264_profile", text), may("vp9_profile", text), may("simulcast", boolean), may("svc", boolean),
	may("audiolevel_ext_id", positive), may("videoorient_ext_id", positive), may("playoutdelay_ext_id", positive),
}

func (d *draft) publishRemotely() (any, *failure) {
	if f := d.body.check(
		must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("remote_id", text), must("host", text),
		must("port", positive), may("host_family", text), may("rtcp_port", positive), may("srtp_suite", positive), may("srtp_crypto", text),
	); f != nil {
		return nil, f
	}
	if f := d.checkFamily(); f != nil {
		return nil, f
	}
	if port, _ := d.body.int("port"); uint16(port) == 0 {
		return nil, fail(errInvalid, "Invalid element (port must be a non-zero positive integer)")
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	if _, f := d.namedFeed("feed"); f != nil {
		return nil, f
	}
	return nil, unsupported("remote publishing")
}

func (d *draft) unpublishRemotely() (any, *failure) {
	if f := d.body.check(must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("remote_id", text)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	if _, f := d.namedFeed("publisher"); f != nil {
		return nil, f
	}
	id, _ := d.body.text("remote_id")
	return nil, fail(errNoSuchFeed, "No such remotization (%s)", id)
}

type remotesView struct {
	VideoRoom string `json:"videoroom"`
	Room      ID     `json:"room"`
	ID        ID     `json:"id"`
	List      []any  `json:"list"`
}

func (d *draft) listRemotes() (any, *failure) {
	if f := d.body.check(must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind())); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.namedFeed("publisher")
	if f != nil {
		return nil, f
	}
	return remotesView{"success", d.id, p.ID, []any{}}, nil
}

func (d *draft) addRemotePublisher() (any, *failure) {
	if f := d.body.check(
		must("room", d.cfg.idKind()), may("id", d.cfg.idKind()), may("display", text), may("metadata", dict), may("mcast", text),
		may("iface", text), may("port", positive), may("srtp_suite", positive), may("srtp_crypto", text), must("streams", array),
	); f != nil {
		return nil, f
	}
	if f := d.checkRemoteStreams(); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	if id, ok := d.body.id("id", d.cfg.StringIDs); ok && d.feed(id) != nil {
		return nil, fail(errIDExists, "User ID %s already exists", id)
	}
	return nil, unsupported("remote publishers")
}

func (d *draft) checkRemoteStreams() *failure {
	items := d.body.objects("streams")
	if len(items) == 0 {
		return fail(errInvalid, "Invalid element value (streams can't be empty)")
	}
	for _, item := range items {
		if f := item.check(remoteStreamTable...); f != nil {
			return f
		}
		kind, _ := item.text("type")
		if kind != audio && kind != video && kind != data {
			return fail(errInvalid, "Invalid element value (type)")
		}
		if kind != data && !item.has("codec") {
			return missing("codec")
		}
	}
	return nil
}

func (d *draft) updateRemotePublisher() (any, *failure) {
	if f := d.body.check(must("room", d.cfg.idKind()), must("id", d.cfg.idKind()), may("display", text), may("metadata", dict),
		may("srtp_suite", positive), may("srtp_crypto", text), must("streams", array)); f != nil {
		return nil, f
	}
	for _, item := range d.body.objects("streams") {
		if f := item.check(remoteStreamTable...); f != nil {
			return nil, f
		}
	}
	return nil, d.noRemotePublisher()
}

func (d *draft) removeRemotePublisher() (any, *failure) {
	if f := d.body.check(must("room", d.cfg.idKind()), must("id", d.cfg.idKind())); f != nil {
		return nil, f
	}
	return nil, d.noRemotePublisher()
}

func (d *draft) noRemotePublisher() *failure {
	if f := d.roomAndSecret(); f != nil {
		return f
	}
	id, _ := d.body.id("id", d.cfg.StringIDs)
	return fail(errNoSuchFeed, "No such remote publisher (%s)", id)
}
