package admin

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// describePeer adds what a node says of a peer, as Janus has it (spec/janus-api.md, section 7.2).
func describePeer(info members, p *mediav1.DescribePeerResponse) {
	info["flags"] = flags(p)
	info["agent-created"] = p.GetMadeUs()
	if p.GetStarted() {
		info["agent-started"] = p.GetMadeUs() // candidates are there with the peer, checks come from the endpoint
	}
	if file := p.GetCaptureFile(); file != "" {
		dump(info, p.GetCaptureText(), file)
	}
	info["ice-mode"], info["ice-role"] = "lite", "controlled"
	sdps := members{}
	for name, sdp := range map[string]string{"local": p.GetLocalSdp(), "remote": p.GetRemoteSdp()} {
		if sdp != "" {
			sdps[name] = sdp
		}
	}
	sdps["profile"] = "UDP/TLS/RTP/SAVPF"
	info["sdps"] = sdps
	webrtc := members{"ice": ice(p), "dtls": dtls(p), "media": media(p)}
	addData(webrtc["media"].(members), p)
	all := extensions(p.GetLocalSdp())
	webrtc["extensions"], webrtc["bwe"] = all, bwe(all)
	info["webrtc"] = webrtc
}

func dump(info members, text bool, file string) {
	kind := captureKind(text)
	info["dump-to-"+kind], info[kind+"-file"] = true, file
}

// flags are what Janus knows of a handle, whoever has offered, and whoever has answered; p is nil without a peer.
func flags(p *mediav1.DescribePeerResponse) members {
	remote, local := p.GetRemoteSdp(), p.GetLocalSdp()
	has := func(line string) bool { return strings.Contains(local, line) }
	heard := remote != "" // what comes before is not kept
	return members{
		"got-offer": heard || local != "", "got-answer": heard && local != "", "negotiated": p.GetStarted(),
		"processing-offer": !heard && local != "", "starting": p.GetStarted() && !p.GetUp(), "ice-restart": false, "ready": p.GetUp(),
		"stopped": false, "alert": p == nil, "trickle": heard, "all-trickles": heard, "resend-trickles": false, "trickle-synced": false,
		"data-channels": heard && has("m=application"), "has-audio": false, "has-video": false, // Janus 1.4 sets neither
		"new-datachan-sdp": has("a=sctp-port:"), "rfc4588-rtx": has(" rtx/"), "cleaning": false, "e2ee": false,
	}
}

func ice(p *mediav1.DescribePeerResponse) members {
	state, ready := "gathering", 0
	if p.GetStarted() {
		state = "connecting"
	}
	if p.GetSelectedAddress() != "" {
		state, ready = "ready", 1
	}
	ice := members{"stream_id": 1, "component_id": 1, "state": state, "ready": ready}
	if candidates := p.GetLocalCandidates(); len(candidates) > 0 {
		ice["local-candidates"], ice["gathered"] = candidates, p.GetMadeUs()
	}
	if candidates := remoteCandidates(p); len(candidates) > 0 {
		ice["remote-candidates"] = candidates
	}
	if at := p.GetReachedUs(); at != 0 {
		ice["connected"] = at
	}
	if to := p.GetSelectedAddress(); to != "" {
		protocol := "udp"
		if p.GetSelectedTcp() {
			protocol = "tcp"
		}
		ice["selected-pair"] = local(p.GetLocalCandidates(), protocol) + " [host," + protocol + "] <-> " + to + " [prflx," + protocol + "]"
	}
	return ice
}

// learned is the priority of a candidate that is known by its checks alone, of one component and one interface (RFC 8445, section 5.1.2).
const learned = 110<<24 | 65535<<8 | 255

// remoteCandidates are those of the endpoint's SDP, and where its checks come from if that is none of them. What it trickles is not
// needed, and not kept.
func remoteCandidates(p *mediav1.DescribePeerResponse) []string {
	all := attributes(p.GetRemoteSdp(), "candidate")
	at, err := netip.ParseAddrPort(p.GetSelectedAddress())
	if err != nil {
		return all
	}
	for _, candidate := range all {
		f := strings.Fields(candidate)
		if len(f) > 5 && f[4] == at.Addr().String() && f[5] == strconv.Itoa(int(at.Port())) {
			return all
		}
	}
	protocol, kind := "udp", ""
	if p.GetSelectedTcp() {
		protocol, kind = "tcp", " tcptype active"
	}
	return append(all, fmt.Sprintf("1 1 %s %d %s %d typ prflx%s", protocol, learned, at.Addr(), at.Port(), kind))
}

// local is the address of our candidate for a protocol: a node has one port for all.
func local(candidates []string, protocol string) string {
	for _, candidate := range candidates {
		if f := strings.Fields(candidate); len(f) > 5 && strings.EqualFold(f[2], protocol) {
			return f[4] + ":" + f[5]
		}
	}
	return "?"
}

func dtls(p *mediav1.DescribePeerResponse) members {
	role, state, profile := "passive", "created", p.GetSrtpProfile()
	if p.GetDtlsClient() {
		role = "active"
	}
	if p.GetStarted() {
		state = "trying"
	}
	if p.GetUp() {
		state = "connected"
	}
	if profile == "" {
		profile = "none"
	}
	hash, fingerprint, _ := strings.Cut(attribute(p.GetRemoteSdp(), "fingerprint"), " ")
	in, out := members{"packets": uint64(0), "bytes": uint64(0)}, members{"packets": uint64(0), "bytes": uint64(0)}
	for _, section := range p.GetSections() {
		for _, layer := range section.GetInbound() {
			count(in, layer.GetPackets(), layer.GetBytes())
		}
		if o := section.GetOutbound(); o != nil {
			count(out, o.GetPackets(), o.GetBytes())
		}
	}
	dtls := members{
		"fingerprint": p.GetFingerprint(), "remote-fingerprint": fingerprint, "remote-fingerprint-hash": hash,
		"dtls-role": role, "dtls-state": state, "retransmissions": 0, "valid": p.GetUp(), "srtp-profile": profile, "ready": p.GetUp(),
		"sctp-association": strings.Contains(p.GetLocalSdp(), "m=application"), "stats": members{"in": in, "out": out},
	}
	if at := p.GetReachedUs(); at != 0 {
		dtls["handshake-started"] = at
	}
	if at := p.GetUpUs(); at != 0 {
		dtls["connected"] = at
	}
	return dtls
}

func count(into members, packets, bytes uint64) {
	into["packets"] = into["packets"].(uint64) + packets
	into["bytes"] = into["bytes"].(uint64) + bytes
}

// attribute is the value of the first "a=name:" in an SDP.
func attribute(sdp, name string) string {
	if all := attributes(sdp, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// attributes are the values of all.
func attributes(sdp, name string) []string {
	var all []string
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "a="+name+":"); ok {
			all = append(all, value)
		}
	}
	return all
}

// extensions are the header extensions in use, by URI.
func extensions(sdp string) members {
	all := members{}
	for line := range strings.Lines(sdp) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "a=extmap:")
		if f := strings.Fields(value); ok && len(f) > 1 {
			id, _, _ := strings.Cut(f[0], "/")
			if n, err := strconv.Atoi(id); err == nil {
				all[f[1]] = n
			}
		}
	}
	return all
}

// nackQueue is for how long a node keeps packets for retransmissions, in milliseconds.
const nackQueue = 1000

// received is the part of rtcp about a layer that is received, nil for none. Quality is of all the time so far, in percent.
func received(layer *mediav1.DescribePeerResponse_Layer) members {
	got := members{"lost": layer.GetLost(), "jitter-local": layer.GetJitterMs(), "in-link-quality": 0, "in-media-link-quality": 0}
	if expected := layer.GetPackets() + layer.GetLost(); expected > 0 {
		missing := layer.GetLost() - min(layer.GetRetransmissions(), layer.GetLost())
		got["in-link-quality"], got["in-media-link-quality"] = 100-100*layer.GetLost()/expected, 100-100*missing/expected
	}
	return got
}

// addSent adds what the endpoint says of what it is sent; o is nil if that is nothing.
func addSent(main members, o *mediav1.DescribePeerResponse_Outbound) {
	quality := uint32(0)
	if o.GetPackets() > 0 {
		quality = 100 - 100*o.GetFractionLost()/256
	}
	main["out-link-quality"], main["out-media-link-quality"] = quality, quality
	main["rtt"], main["lost-by-remote"], main["jitter-remote"] = o.GetRttMs(), o.GetLost(), o.GetJitterMs()
}

// inboundStats are counts of a layer that is received, nil for none.
func inboundStats(layer *mediav1.DescribePeerResponse_Layer) members {
	return members{
		"packets": layer.GetPackets(), "bytes": layer.GetBytes(), "bytes_lastsec": layer.GetBytesLastSecond(),
		"nacks": layer.GetNacks(), "retransmissions": layer.GetRetransmissions(),
	}
}

// URIs of the header extensions that name layers (RFC 8852).
const (
	ridURI    = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	ridRTXURI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
)

// simulcast tells of layers that have names, nil if they have none.
func simulcast(layers []*mediav1.DescribePeerResponse_Layer, remote, local string) members {
	var rids []string
	for _, layer := range layers {
		if layer.GetRid() != "" {
			rids = append(rids, layer.GetRid())
		}
	}
	if len(rids) == 0 {
		return nil
	}
	order := "hml"
	if offered, _, _ := strings.Cut(strings.TrimPrefix(attribute(remote, "simulcast"), "send "), ";"); offered == rids[0] {
		order = "lmh"
	}
	got := members{"rid": rids, "rid-order": order}
	all := extensions(local)
	for name, uri := range map[string]string{"rid-ext-id": ridURI, "ridrtx-ext-id": ridRTXURI} {
		if id, ok := all[uri]; ok {
			got[name] = id
		}
	}
	return got
}

// addData adds the m= section of data channels to media, which has no streams.
func addData(media members, p *mediav1.DescribePeerResponse) {
	d := p.GetData()
	if d == nil {
		return
	}
	media[d.GetMid()] = members{"type": "data", "mindex": d.GetIndex(), "mid": d.GetMid(), "stats": members{
		"in":  members{"packets": d.GetPacketsReceived(), "bytes": d.GetBytesReceived()},
		"out": members{"packets": d.GetPacketsSent(), "bytes": d.GetBytesSent()},
	}}
}

// layers are Janus's names for those of one source.
var layers = []string{"main", "sim1", "sim2"}

func media(p *mediav1.DescribePeerResponse) members {
	all := members{}
	ours, theirs := sectionsOf(p.GetLocalSdp()), sectionsOf(p.GetRemoteSdp())
	for _, s := range p.GetSections() {
		kind := "audio"
		if s.GetKind() == mediav1.Kind_KIND_VIDEO {
			kind = "video"
		}
		main := received(nil)
		rtcp, in, ssrc := members{"main": main}, inboundStats(nil), members{}
		for i, layer := range s.GetInbound() {
			if i == len(layers) {
				break
			}
			stats := inboundStats(layer)
			peer, simulcast := "ssrc-peer", ""
			if i > 0 {
				peer, simulcast = "ssrc-peer-sim-"+strconv.Itoa(i), "video-simulcast-"+strconv.Itoa(i)
			}
			ssrc[peer] = layer.GetSsrc()
			if rtx := layer.GetRtxSsrc(); rtx != 0 {
				ssrc[peer+"-rtx"] = rtx
			}
			if i == 0 {
				in, main = stats, received(layer)
				rtcp["main"] = main
			} else {
				in[simulcast], rtcp[layers[i]] = stats, received(layer)
			}
		}
		if len(s.GetInbound()) == 0 {
			theirs[s.GetMid()].addSSRCs(ssrc)
		}
		o := s.GetOutbound()
		if o != nil {
			ssrc["ssrc"] = o.GetSsrc()
			if o.GetRtxSsrc() != 0 {
				ssrc["ssrc-rtx"] = o.GetRtxSsrc()
			}
		}
		addSent(main, o)
		out := members{
			"packets": o.GetPackets(), "bytes": o.GetBytes(), "bytes_lastsec": o.GetBytesLastSecond(),
			"nacks": o.GetNacks(), "retransmissions": o.GetRetransmissions(),
		}
		one := members{
			"type": kind, "mindex": s.GetIndex(), "mid": s.GetMid(), "ssrc": ssrc,
			"direction": members{"send": s.GetOutbound() != nil, "recv": len(s.GetInbound()) > 0},
			"rtcp":      rtcp, "stats": members{"in": in, "out": out}, "nack-queue-ms": nackQueue,
		}
		if rids := simulcast(s.GetInbound(), p.GetRemoteSdp(), p.GetLocalSdp()); rids != nil {
			one["rid-simulcast"] = rids
		}
		ours[s.GetMid()].add(one, s.GetCodec(), theirs[s.GetMid()])
		all[s.GetMid()] = one
	}
	return all
}
