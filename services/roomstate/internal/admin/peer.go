package admin

import (
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// describePeer adds what a node says of a peer, as Janus has it (spec/janus-api.md, section 7.2).
func describePeer(info members, p *mediav1.DescribePeerResponse) {
	info["flags"] = flags(p)
	info["ice-mode"], info["ice-role"] = "lite", "controlled"
	info["queued-packets"] = 0 // what cannot be sent at once is dropped
	sdps := members{}
	for name, sdp := range map[string]string{"local": p.GetLocalSdp(), "remote": p.GetRemoteSdp()} {
		if sdp != "" {
			sdps[name] = sdp
		}
	}
	info["sdps"] = sdps
	webrtc := members{"ice": ice(p), "dtls": dtls(p), "media": media(p)}
	all := extensions(p.GetLocalSdp())
	webrtc["extensions"], webrtc["bwe"] = all, bwe(all)
	info["webrtc"] = webrtc
}

// flags are what Janus knows of a handle; p is nil without a peer.
func flags(p *mediav1.DescribePeerResponse) members {
	remote, local := p.GetRemoteSdp(), p.GetLocalSdp()
	has := func(line string) bool { return strings.Contains(local, line) }
	offered := strings.Contains(remote, "a=setup:actpass") // what answers has made up its mind
	return members{
		"got-offer": remote != "" && offered, "got-answer": remote != "" && !offered, "negotiated": p.GetStarted(),
		"processing-offer": false, "starting": p.GetStarted() && !p.GetUp(), "ice-restart": false, "ready": p.GetUp(),
		"stopped": false, "alert": false, "trickle": true, "all-trickles": true, "resend-trickles": false, "trickle-synced": false,
		"data-channels": has("m=application"), "has-audio": has("m=audio"), "has-video": has("m=video"),
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
		ice["local-candidates"] = candidates
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
	return members{
		"fingerprint": p.GetFingerprint(), "remote-fingerprint": fingerprint, "remote-fingerprint-hash": hash,
		"dtls-role": role, "dtls-state": state, "retransmissions": 0, "valid": p.GetUp(), "srtp-profile": profile, "ready": p.GetUp(),
		"sctp-association": strings.Contains(p.GetLocalSdp(), "m=application"), "stats": members{"in": in, "out": out},
	}
}

func count(into members, packets, bytes uint64) {
	into["packets"] = into["packets"].(uint64) + packets
	into["bytes"] = into["bytes"].(uint64) + bytes
}

// attribute is the value of the first "a=name:" in an SDP.
func attribute(sdp, name string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "a="+name+":"); ok {
			return value
		}
	}
	return ""
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
		rtcp, in, out, ssrc := members{}, members{}, members{}, members{}
		for i, layer := range s.GetInbound() {
			if i == len(layers) {
				break
			}
			rtcp[layers[i]] = members{"lost": layer.GetLost(), "jitter-local": layer.GetJitterMs()}
			stats := members{
				"packets": layer.GetPackets(), "bytes": layer.GetBytes(), "nacks": layer.GetNacks(), "retransmissions": layer.GetRetransmissions(),
			}
			if i == 0 {
				in, ssrc["ssrc-peer"] = stats, layer.GetSsrc()
				continue
			}
			n := strconv.Itoa(i)
			in["video-simulcast-"+n], ssrc["ssrc-peer-sim-"+n] = stats, layer.GetSsrc()
		}
		if o := s.GetOutbound(); o != nil {
			ssrc["ssrc"] = o.GetSsrc()
			if o.GetRtxSsrc() != 0 {
				ssrc["ssrc-rtx"] = o.GetRtxSsrc()
			}
			main, ok := rtcp["main"].(members)
			if !ok {
				main = members{}
				rtcp["main"] = main
			}
			main["rtt"], main["lost-by-remote"], main["jitter-remote"] = o.GetRttMs(), o.GetLost(), o.GetJitterMs()
			out = members{
				"packets": o.GetPackets(), "bytes": o.GetBytes(), "nacks": o.GetNacks(), "retransmissions": o.GetRetransmissions(),
			}
		}
		one := members{
			"type": kind, "mindex": s.GetIndex(), "mid": s.GetMid(), "ssrc": ssrc,
			"direction": members{"send": s.GetOutbound() != nil, "recv": len(s.GetInbound()) > 0},
			"rtcp":      rtcp, "stats": members{"in": in, "out": out},
		}
		ours[s.GetMid()].add(one, s.GetCodec(), theirs[s.GetMid()])
		all[s.GetMid()] = one
	}
	return all
}
