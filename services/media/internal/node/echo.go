package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// echoes makes the peer's streams go back to it, as far as that was agreed, and returns what the answer says of them.
func (p *peer) echoes(streams []sdp.Stream, now time.Duration) []sdp.Sent {
	sections := make([]shared, len(streams))
	for i := range streams {
		st := &streams[i]
		sections[i] = shared{kind: st.Kind, codec: st.Format.Codec, out: back(st), msid: "janus janus" + st.MID}
		if st.Kind != sdp.Data { // messages go back by themselves
			sections[i].source, sections[i].own = Source{Feed: p.publishing.id, MID: st.MID}, &p.publishing.feed
		}
	}
	sent := p.subscribing.share(sections, now)
	p.setEcho(now)
	return sent
}

// back is how an endpoint gets what it sent: in its own words.
func back(st *sdp.Stream) sdp.Accepted {
	a := sdp.Accepted{
		MID: st.MID, Ready: !st.Refused && st.Direction.Sends(), PayloadType: st.Format.PayloadType,
		NACK: st.Feedback("nack"), IDs: st.IDs,
	}
	a.IDs.RID, a.IDs.RepairedRID = 0, 0
	if st.RTX != nil {
		a.RTX = *st.RTX
	}
	if st.RED != nil {
		a.RED = *st.RED
	}
	return a
}

// setEcho lets through what the setting wants.
func (p *peer) setEcho(now time.Duration) {
	echo := p.publishing.echo
	for _, sl := range p.subscribing.slots {
		if sl.leg == nil {
			continue
		}
		if sl.send = sl.kind == sdp.Video && echo.Video || sl.kind == sdp.Audio && echo.Audio; sl.send {
			sl.leg.SetTargets(echo.Targets, now)
		}
		sl.setDelay(echo.MinDelay, echo.MaxDelay)
		sl.flow(now)
	}
}
