package videoroom

import (
	"encoding/base64"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

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

// forwarded is a stream that goes on to another address.
type forwarded struct {
	ID         uint32 `json:"id"`
	Mid        string `json:"mid"`
	Type       string `json:"type"`
	Codec      string `json:"codec,omitempty"`
	Host       string `json:"host"` // its address
	Port       uint32 `json:"port"`
	LocalRTCP  uint32 `json:"local_rtcp,omitempty"`
	RemoteRTCP uint32 `json:"remote_rtcp,omitempty"`
	PT         uint32 `json:"pt,omitempty"`
	SSRC       uint32 `json:"ssrc,omitempty"`
	Substream  uint32 `json:"substream,omitempty"`
	SRTP       bool   `json:"srtp,omitempty"`
}

// forwarderView is a forwarder as requests show it (spec/videoroom.md, 4.1).
type forwarderView struct {
	StreamID   uint32 `json:"stream_id"`
	Host       string `json:"host"`
	Port       uint32 `json:"port"`
	Type       string `json:"type"`
	LocalRTCP  uint32 `json:"local_rtcp_port,omitempty"`
	RemoteRTCP uint32 `json:"remote_rtcp_port,omitempty"`
	PT         uint32 `json:"pt,omitempty"`
	SSRC       uint32 `json:"ssrc,omitempty"`
	Substream  uint32 `json:"substream,omitempty"`
	SRTP       bool   `json:"srtp,omitempty"`
}

func (f *forwarded) view() forwarderView {
	return forwarderView{
		StreamID: f.ID, Host: f.Host, Port: f.Port, Type: f.Type, LocalRTCP: f.LocalRTCP, RemoteRTCP: f.RemoteRTCP,
		PT: f.PT, SSRC: f.SSRC, Substream: f.Substream, SRTP: f.SRTP,
	}
}

type rtpForwardView struct {
	PublisherID ID               `json:"publisher_id"`
	Forwarders  *[]forwarderView `json:"forwarders,omitempty"`
	RTPStream   map[string]any   `json:"rtp_stream,omitempty"`
	Room        ID               `json:"room"`
	VideoRoom   string           `json:"videoroom"`
}

// rtpForward has the node send streams on.
func (d *draft) rtpForward() (any, *failure) {
	table := append([]field{must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("host", text)}, destinationTable...)
	if f := check(d.body, table...); f != nil {
		return nil, f
	}
	items := d.body.Objects("streams")
	for _, item := range items {
		if f := check(item, forwardedStreamTable...); f != nil {
			return nil, f
		}
	}
	if f := d.mayForward(); f != nil {
		return nil, f
	}
	if f := checkDestination(d.body); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.namedFeed("feed")
	if f != nil {
		return nil, f
	}
	for _, item := range items {
		if f := checkDestination(item); f != nil {
			return nil, f
		}
	}
	legacy := !d.body.Has("streams")
	var want []*mediav1.Forwarder
	if legacy {
		want = d.legacyForwarders(p)
	} else {
		want = d.wantedForwarders(p, items)
	}
	made, f := d.forward(p, want)
	if f != nil || len(d.Open) > 0 {
		return nil, f
	}
	d.noticeForwards(p, made, !legacy)
	v := rtpForwardView{VideoRoom: "rtp_forward", Room: d.id, PublisherID: p.ID}
	if legacy {
		v.RTPStream = d.legacyView(made)
		return v, nil
	}
	views := make([]forwarderView, len(made))
	for i := range made {
		views[i] = made[i].view()
	}
	v.Forwarders = &views
	return v, nil
}

// mayForward asks for the admin key where that is set to lock forwarding.
func (d *draft) mayForward() *failure {
	if !d.cfg.LockForwards || d.Command.Over {
		return nil
	}
	return d.secretFits("admin_key", d.cfg.AdminKey != nil, d.cfg.AdminKey.Text())
}

// checkDestination fails unless family and encryption can be gone by.
func checkDestination(o object) *failure {
	if said, ok := o.Text("host_family"); ok {
		if family, _ := hostFamily(o); family != "ipv4" && family != "ipv6" {
			return fail(errInvalid, "Unsupported protocol family (%s)", said)
		}
	}
	if host, ok := o.Text("host"); ok && !mayBeHost(host) {
		return fail(errInvalid, "Could not resolve address (%s)...", host)
	}
	suite, hasSuite := o.Int("srtp_suite")
	if hasSuite && o.Has("srtp_crypto") && suite != 32 && suite != 80 {
		return fail(errInvalid, "Invalid SRTP suite (%d)", suite)
	}
	return nil
}

// hostFamily is the family of addresses that an object names, in lower case: Janus takes any.
func hostFamily(o object) (string, bool) {
	family, ok := o.Text("host_family")
	return strings.ToLower(family), ok
}

// mostHost is how long the name of a host may be, in bytes (RFC 1035, section 2.3.4).
const mostHost = 253

// mayBeHost tells whether a text can be an address, or a name that has one.
func mayBeHost(host string) bool {
	return host != "" && len(host) <= mostHost && !strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r == '/' || r == 0x7f
	})
}

// wantedForwarders are what the items ask for. Unknown mids are passed over, as are layers that are not sent.
func (d *draft) wantedForwarders(p *publisher, items []object) []*mediav1.Forwarder {
	var all []*mediav1.Forwarder
	for _, item := range items {
		mid, _ := item.Text("mid")
		s := p.stream(mid)
		if s == nil || s.Disabled {
			continue
		}
		one := d.destination(item)
		all = d.addForwarder(all, s, one, item, "", "")
		if s.Simulcast && !one.Simulcast {
			all = d.addForwarder(all, s, one, item, "", "_2")
			all = d.addForwarder(all, s, one, item, "", "_3")
		}
	}
	return all
}

// legacyForwarders are of the first stream of each type.
func (d *draft) legacyForwarders(p *publisher) []*mediav1.Forwarder {
	var all []*mediav1.Forwarder
	one := d.destination(d.body)
	one.Keyframe = true
	taken := map[string]bool{}
	for i := range p.Streams {
		s := &p.Streams[i]
		if s.Disabled || taken[s.Type] {
			continue
		}
		taken[s.Type] = true
		all = d.addForwarder(all, s, one, d.body, s.Type+"_", "")
		if s.Type == video && s.Simulcast && !one.Simulcast {
			all = d.addForwarder(all, s, one, d.body, "video_", "_2")
			all = d.addForwarder(all, s, one, d.body, "video_", "_3")
		}
	}
	return all
}

// destination is what an item says of where to, and what it does not the request.
func (d *draft) destination(item object) *mediav1.Forwarder {
	f := &mediav1.Forwarder{Simulcast: item.BoolOr("simulcast", false)}
	for _, of := range []object{d.body, item} {
		if host, ok := of.Text("host"); ok {
			f.Host, f.Family = host, ""
		}
		if family, ok := hostFamily(of); ok {
			f.Family = family
		}
		suite, _ := of.Int("srtp_suite")
		if crypto, ok := of.Text("srtp_crypto"); ok && suite != 0 {
			f.SrtpSuite = uint32(suite)
			f.SrtpKey, _ = base64.StdEncoding.DecodeString(crypto)
		}
	}
	return f
}

// srtpKeyAndSalt is how long a key is with its salt, in bytes (RFC 3711, section 8.2).
const srtpKeyAndSalt = 30

// addForwarder adds what the item says of one layer of a stream: nothing without a port.
func (d *draft) addForwarder(all []*mediav1.Forwarder, s *stream, like *mediav1.Forwarder, item object, prefix, suffix string) []*mediav1.Forwarder {
	number := func(name string) uint32 {
		n, _ := item.Int(prefix + name + suffix)
		return uint32(n)
	}
	f := proto.CloneOf(like)
	f.Port, f.Ssrc, f.PayloadType = number("port")&0xffff, number("ssrc"), number("pt")
	if f.Port == 0 || s.Type != data && f.SrtpSuite != 0 && len(f.SrtpKey) < srtpKeyAndSalt {
		return all // Janus passes over those without a sound key too
	}
	if s.Type == data {
		f.SrtpSuite, f.SrtpKey = 0, nil
	} else if f.SrtpSuite != 0 {
		f.SrtpKey = f.SrtpKey[:srtpKeyAndSalt]
	}
	f.Mid = s.Mid
	f.Id = uint32(drawn(d.Command.GetId(), "forward", len(all))>>32) | 1
	switch suffix {
	case "":
		f.RtcpPort = number("rtcp_port") & 0xffff
	case "_2":
		f.Layer = 1
	case "_3":
		f.Layer = 2
	}
	f.Simulcast = f.Simulcast && s.Simulcast
	if s.Type == data {
		f.RtcpPort, f.Ssrc, f.PayloadType = 0, 0, 0
	}
	return append(all, f)
}

// forward has the node begin forwarders, and keeps what came of them. The answer is not known yet if there are open
// questions.
func (d *draft) forward(p *publisher, want []*mediav1.Forwarder) ([]forwarded, *failure) {
	if p.Peer == nil || len(want) == 0 {
		return nil, nil
	}
	p = d.own(p)
	response, ok, err := d.call(p.handle, p.Peer, &mediav1.ForwardRequest{Peer: peerID(p.handle, p.Peer), Forwarders: sendable(want)})
	if !ok {
		return nil, nil
	}
	if err != nil {
		return nil, notForwarded(p, err)
	}
	p.Peer.Told++
	var made []forwarded
	answer, _ := response.(*mediav1.ForwardResponse)
	for i, got := range answer.GetForwarders() {
		f, s := want[i], p.stream(want[i].GetMid())
		made = append(made, forwarded{
			ID: f.GetId(), Mid: s.Mid, Type: s.Type, Codec: s.Codec, Host: got.GetAddress(), Port: f.GetPort(),
			LocalRTCP: got.GetLocalRtcpPort(), RemoteRTCP: f.GetRtcpPort(), PT: f.GetPayloadType(), SSRC: f.GetSsrc(),
			Substream: f.GetLayer(), SRTP: f.GetSrtpSuite() != 0,
		})
	}
	p.Forwards = append(p.Forwards, made...)
	return made, nil
}

// sendable are forwarders as a node has them: a payload type has 7 bits (RFC 3550), though Janus tells the one that was asked for.
func sendable(want []*mediav1.Forwarder) []*mediav1.Forwarder {
	all := make([]*mediav1.Forwarder, len(want))
	for i, f := range want {
		all[i] = proto.CloneOf(f)
		all[i].PayloadType &= 0x7f
	}
	return all
}

// notForwarded is what an endpoint is told of a node's refusal.
func notForwarded(p *publisher, err error) *failure {
	switch fault.Of(err) {
	case fault.BadElement:
		return fail(errInvalid, "%s", fault.Text(err))
	case fault.Unauthorized:
		return fail(errUnauthorized, "%s", fault.Text(err))
	case fault.NoSuchPeer:
		return fail(errNoSuchFeed, "No such feed (%s)", p.ID)
	case fault.TooBusy:
		return fail(errUnknown, "Could not open UDP socket for RTP stream")
	}
	return unserved(err)
}

// legacyView is the answer to a request without streams.
func (d *draft) legacyView(made []forwarded) map[string]any {
	host, _ := d.body.Text("host")
	v := map[string]any{"warning": "deprecated_api", "host": host}
	for i := range made {
		f := &made[i]
		suffix := [...]string{"", "_2", "_3"}[f.Substream]
		v["host"] = f.Host
		v[f.Type+"_stream_id"+suffix] = f.ID
		v[f.Type+suffix] = f.Port
		if f.RemoteRTCP != 0 {
			v[f.Type+"_rtcp"] = f.RemoteRTCP
		}
	}
	return v
}

// keepForwards drops forwarders of streams that are not any more what they were: the node has ended them.
func (p *publisher) keepForwards() {
	p.Forwards = slices.DeleteFunc(p.Forwards, func(f forwarded) bool {
		s := p.stream(f.Mid)
		return s == nil || s.Disabled || s.Type != f.Type || s.Codec != f.Codec
	})
}

type stoppedForwardView struct {
	VideoRoom   string `json:"videoroom"`
	Room        ID     `json:"room"`
	PublisherID ID     `json:"publisher_id"`
	StreamID    uint32 `json:"stream_id"`
}

// stopRTPForward ends a forwarder.
func (d *draft) stopRTPForward() (any, *failure) {
	if f := check(d.body, must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("stream_id", positive)); f != nil {
		return nil, f
	}
	if f := d.mayForward(); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.namedFeed("feed")
	if f != nil {
		return nil, f
	}
	n, _ := d.body.Int("stream_id")
	id := uint32(n)
	named := func(f forwarded) bool { return f.ID == id }
	if p.Peer == nil || !slices.ContainsFunc(p.Forwards, named) {
		return nil, fail(errNoSuchFeed, "No such stream (%d)", id)
	}
	p = d.own(p)
	_, ok, err := d.call(p.handle, p.Peer, &mediav1.StopForwardRequest{Peer: peerID(p.handle, p.Peer), Id: id})
	if !ok {
		return nil, nil
	}
	if err != nil && fault.Of(err) != fault.NoSuchPeer {
		return nil, unserved(err)
	}
	p.Peer.Told++
	p.Forwards = slices.DeleteFunc(p.Forwards, named)
	d.Notify(plugin.HandleID{}, "", forwardNotice{Event: "stop_rtp_forward", Room: d.id, PublisherID: p.ID, StreamID: &id})
	return stoppedForwardView{"stop_rtp_forward", d.id, p.ID, id}, nil
}

// namedFeed is the participant that publisher_id names; what is its kind's name in the error.
func (d *draft) namedFeed(what string) (*publisher, *failure) {
	id, _ := d.body.ID("publisher_id", d.cfg.StringIDs)
	p := d.feed(id)
	if p == nil {
		return nil, fail(errNoSuchFeed, "No such %s (%s)", what, id)
	}
	return p, nil
}
