package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// echoed is the way back of a stream to its own peer.
type echoed struct {
	in   *inbound
	leg  *forward.Leg
	ssrc uint32
	rtx  uint32 // 0 without
}

// sendBack makes a stream go back if that was agreed, and returns what the answer says of it.
func (in *inbound) sendBack(now time.Duration) sdp.Sent {
	if !in.agreed.Direction.Sends() {
		if in.echo != nil {
			in.echo.close(now)
			in.echo = nil
		}
		return sdp.Sent{}
	}
	p := in.publisher.peer
	if in.echo == nil {
		e := &echoed{in: in, ssrc: p.newSSRC()}
		if in.agreed.RTX != nil {
			e.rtx = p.newSSRC()
		}
		e.leg = forward.NewLeg(e.config())
		e.leg.Connect(in.stream, now)
		in.echo = e
		p.subscribing.legs[e.ssrc] = &outbound{leg: e.leg, mid: in.agreed.MID, video: in.video()}
	} else {
		in.echo.leg.Reconfigure(in.echo.config())
	}
	in.echo.flow(now)
	return sdp.Sent{MSID: "janus janus" + in.agreed.MID, SSRC: in.echo.ssrc, RTX: in.echo.rtx}
}

// config is the endpoint's own: it gets back what it sent.
func (e *echoed) config() forward.LegConfig {
	agreed, p := &e.in.agreed, e.in.publisher.peer
	ids := agreed.IDs
	ids.RID, ids.RepairedRID = 0, 0
	cfg := forward.LegConfig{
		Codec: e.in.codec, SSRC: e.ssrc, PayloadType: agreed.Format.PayloadType, NACK: agreed.Feedback("nack"),
		Extensions: ids, MID: agreed.MID,
		Sender: p, Observer: &layerObserver{peer: p, mid: agreed.MID, codec: agreed.Format.Codec},
	}
	if agreed.RED != nil {
		cfg.RED = *agreed.RED
	}
	if agreed.RTX != nil && e.rtx != 0 {
		cfg.RTXSSRC, cfg.RTXPayloadType = e.rtx, *agreed.RTX
	}
	return cfg
}

// flow lets through what the setting wants.
func (e *echoed) flow(now time.Duration) {
	pub := e.in.publisher
	wanted := pub.echo != nil && (e.in.video() && pub.echo.Video || !e.in.video() && pub.echo.Audio)
	if wanted {
		e.leg.SetTargets(pub.echo.Targets, now)
	}
	e.leg.SetFlowing(wanted && pub.peer.up, now)
}

func (e *echoed) close(now time.Duration) {
	p := e.in.publisher.peer
	p.subscribing.drop(e.ssrc)
	e.leg.Disconnect(now)
}

// resume sees what flows back after the peer came up, or the setting changed.
func (pub *publisher) resume(now time.Duration) {
	for _, in := range pub.streams {
		if in != nil && in.echo != nil {
			in.echo.flow(now)
		}
	}
}
