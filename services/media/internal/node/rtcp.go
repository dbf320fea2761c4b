package node

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
)

const cname = "janus"

// reporter is what a peer needs to write RTCP.
type reporter struct {
	ssrc    uint32 // ours where nothing is sent
	senders []rtcp.SenderReport
	blocks  []rtcp.ReceptionReport
	packets []rtcp.Packet
}

// rtcpHandler says what is done with what the endpoint reports. p.clock is the time.
func (p *peer) rtcpHandler() feedback.Handler {
	return feedback.Handler{
		NACK: func(ssrc uint32, seqs []uint16) {
			if out := p.subscribing.legs[ssrc]; out != nil {
				out.leg.HandleNACK(seqs, p.clock)
			}
		},
		KeyframeRequest: func(ssrc uint32) {
			if out := p.subscribing.legs[ssrc]; out != nil {
				out.leg.RequestKeyframe(p.clock)
			}
		},
		ReceptionReport: func(r *rtcp.ReceptionReport) {
			if out := p.subscribing.legs[r.SSRC]; out != nil {
				out.leg.HandleReport(r, p.clock)
			}
		},
		Arrivals: func(a *feedback.Arrivals) {
			p.subscribing.bandwidth.feedback(a, p.clock)
			p.subscribing.bandwidth.wake(p.clock)
		},
		REMB: func(bps uint64) {
			p.remb = bps
			p.subscribing.bandwidth.remb(bps, p.clock)
			p.subscribing.bandwidth.wake(p.clock)
		},
		SenderReport: func(ssrc uint32, ntp uint64, rtp uint32) {
			if r, ok := p.publishing.routes[ssrc]; ok && !r.rtx {
				r.in.stream.SenderReport(r.layer, ntp, rtp, p.clock)
			}
		},
	}
}

// sendReports tells what was sent and received (RFC 3550, section 6.4).
func (p *peer) sendReports(now time.Duration) {
	r := &p.rtcp
	r.senders, r.blocks = r.senders[:0], r.blocks[:0]
	for _, out := range p.subscribing.legs {
		if sr, ok := out.leg.SenderReport(now); ok {
			r.senders = append(r.senders, sr)
		}
	}
	for _, in := range p.publishing.streams {
		if in != nil {
			r.blocks = in.stream.AppendReports(r.blocks, now)
		}
	}
	if len(r.senders)+len(r.blocks) > 0 {
		for _, compound := range feedback.Reports(r.ssrc, cname, r.senders, r.blocks) {
			p.write(compound)
		}
	}
}

// sendTransportFeedback tells when packets arrived, for the endpoint's bandwidth estimate.
func (p *peer) sendTransportFeedback(now time.Duration) {
	if p.publishing.ids.TransportCC == 0 {
		return
	}
	r := &p.rtcp
	r.packets = p.publishing.twcc.Append(r.packets[:0], r.ssrc, p.publishing.anySSRC(), now)
	for i := range r.packets {
		p.write(r.packets[i : i+1])
	}
}

// anySSRC is one of those that the publisher sends.
func (pub *publisher) anySSRC() uint32 {
	for _, in := range pub.streams {
		if in != nil && in.media[0] != 0 {
			return in.media[0]
		}
	}
	return 0
}

// setBitrate caps what the publisher sends, all together.
func (pub *publisher) setBitrate(bps uint64, now time.Duration) {
	pub.bitrate = bps
	pub.cap.Set(bps)
	pub.capOnPacket(now)
}

func (pub *publisher) capOnPacket(now time.Duration) {
	if !pub.peer.up {
		return
	}
	bps, due := pub.cap.OnPacket(now)
	if !due {
		return
	}
	var ssrcs []uint32
	for _, in := range pub.streams {
		if in == nil || !in.video() {
			continue
		}
		for _, ssrc := range in.media[:in.layers] {
			if ssrc != 0 {
				ssrcs = append(ssrcs, ssrc)
			}
		}
	}
	pub.peer.write([]rtcp.Packet{feedback.REMB(pub.peer.rtcp.ssrc, bps, ssrcs)})
}

// RequestKeyframe is of forward.Upstream.
func (p *peer) RequestKeyframe(ssrc uint32) (sent bool) {
	return p.write([]rtcp.Packet{feedback.PLI(p.rtcp.ssrc, ssrc)})
}

// SendNACK is of forward.Upstream.
func (p *peer) SendNACK(ssrc uint32, seqs []uint16) {
	p.write([]rtcp.Packet{feedback.NACK(p.rtcp.ssrc, ssrc, seqs)})
}

// write sends a compound packet, or the one that reduced-size RTCP allows (RFC 5506). It is false if there is no way to the endpoint
// now.
func (p *peer) write(packets []rtcp.Packet) (sent bool) {
	if !p.up || p.closed || p.publishing.remote != nil || len(packets) == 0 {
		return false
	}
	b, err := rtcp.Marshal(packets)
	if err != nil {
		p.log.Error("write RTCP", "err", err)
		return false
	}
	if p.capture != nil {
		p.capture.Packet(b, false)
	}
	return p.conn.SendRTCP(b)
}
