package videoroom

// unsupported is what a sound request for something is told that this server does not do. Janus says 499 as well where
// it cannot open a socket.
func unsupported(what string) *failure {
	return fail(errUnknown, "This server does not offer %s", what)
}

// destinationTable is what rtp_forward checks of the body, streamed or not.
var destinationTable = []field{
	may("video_port", positive), may("video_rtcp_port", positive), may("video_ssrc", positive), may("video_pt", positive),
	may("video_port_2", positive), may("video_ssrc_2", positive), may("video_pt_2", positive),
	may("video_port_3", positive), may("video_ssrc_3", positive), may("video_pt_3", positive),
	may("audio_port", positive), may("audio_rtcp_port", positive), may("audio_ssrc", positive), may("audio_pt", positive),
	may("data_port", positive), may("host", text), may("host_family", text), may("simulcast", boolean),
	may("srtp_suite", positive), may("srtp_crypto", text), may("streams", array),
}

var forwardedStreamTable = []field{
	must("mid", text), may("host", text), may("host_family", text), must("port", positive), may("rtcp_port", positive),
	may("ssrc", positive), may("pt", positive), may("simulcast", boolean),
	may("port_2", positive), may("ssrc_2", positive), may("pt_2", positive),
	may("port_3", positive), may("ssrc_3", positive), may("pt_3", positive),
	may("srtp_suite", positive), may("srtp_crypto", text),
}

// rtpForward refuses what is wrong with a request as Janus does, and then the request.
func (d *draft) rtpForward() (any, *failure) {
	table := append([]field{must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("host", text)}, destinationTable...)
	if f := d.body.check(table...); f != nil {
		return nil, f
	}
	for _, item := range d.body.objects("streams") {
		if f := item.check(forwardedStreamTable...); f != nil {
			return nil, f
		}
	}
	if f := d.checkFamily(); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	if _, f := d.namedFeed("feed"); f != nil {
		return nil, f
	}
	return nil, unsupported("RTP forwarding")
}

func (d *draft) checkFamily() *failure {
	if family, ok := d.body.text("host_family"); ok && family != "ipv4" && family != "ipv6" {
		return fail(errInvalid, "Unsupported protocol family (%s)", family)
	}
	return nil
}

// stopRTPForward finds no forwarder to stop.
func (d *draft) stopRTPForward() (any, *failure) {
	if f := d.body.check(must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("stream_id", positive)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	if _, f := d.namedFeed("feed"); f != nil {
		return nil, f
	}
	id, _ := d.body.int("stream_id")
	return nil, fail(errNoSuchFeed, "No such stream (%d)", uint32(id))
}

// namedFeed is the participant that publisher_id names; what is its kind's name in the error.
func (d *draft) namedFeed(what string) (*publisher, *failure) {
	id, _ := d.body.id("publisher_id", d.cfg.StringIDs)
	p := d.feed(id)
	if p == nil {
		return nil, fail(errNoSuchFeed, "No such %s (%s)", what, id)
	}
	return p, nil
}
