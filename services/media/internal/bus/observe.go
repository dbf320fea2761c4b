package bus

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// maxObserved is how many observations wait to be made events; those beyond are dropped.
const maxObserved = 8192

// unobserved says in a metric that they were dropped.
const unobserved = "observations"

// Observations makes events for event handlers of what a node observes (spec/janus-api.md, section 8), on a goroutine of its
// own: workers do not encode. It implements node.Observer.
type Observations struct {
	emitter *events.Emitter
	queue   chan observed
	close   sync.Once
}

type observed struct {
	id       node.PeerID
	opaqueID string
	at       time.Time
	what     node.Observation
}

// NewObservations gives events to emitter, which may be nil. Run and then Close are to be called.
func NewObservations(emitter *events.Emitter) *Observations {
	emitter.Dropped(unobserved, 0)
	return &Observations{emitter: emitter, queue: make(chan observed, maxObserved)}
}

// Observer is what a node is to tell, nil if nobody wants to know.
func (o *Observations) Observer() node.Observer {
	if !o.emitter.Wants(events.WebRTC) && !o.emitter.Wants(events.Media) {
		return nil
	}
	return o
}

// Observe is of node.Observer.
func (o *Observations) Observe(id node.PeerID, opaqueID string, what node.Observation) {
	select {
	case o.queue <- observed{id, opaqueID, time.Now(), what}:
	default:
		o.emitter.Dropped(unobserved, 1)
	}
}

// Close has Run return when it has made events of all. Nothing is to be observed any more.
func (o *Observations) Close() { o.close.Do(func() { close(o.queue) }) }

// Run makes events until Close.
func (o *Observations) Run() {
	for one := range o.queue {
		o.emit(&one)
	}
}

func (o *Observations) emit(one *observed) {
	emit := func(t events.Type, subtype int, body events.Object) {
		o.emitter.Emit(events.Event{
			Type: t, Subtype: subtype, Timestamp: one.at.UnixMicro(),
			SessionID: one.id.Session, HandleID: one.id.ID, OpaqueID: one.opaqueID, Event: body,
		})
	}
	connection := func(subtype int, body events.Object) { // a peer has one component
		body["stream_id"], body["component_id"] = 1, 1
		emit(events.WebRTC, subtype, body)
	}
	switch what := one.what.(type) {
	case node.Gathered:
		for _, candidate := range what.Candidates {
			connection(events.LocalCandidate, events.Object{"local-candidate": candidate})
		}
	case node.ICE:
		connection(events.ICEState, events.Object{"ice": what.State})
	case node.Selected:
		connection(events.SelectedPair, selectedPair(what))
	case node.DTLS:
		connection(events.DTLSState, events.Object{"dtls": what.State, "retransmissions": 0})
	case node.Statistics:
		for i := range what.Media {
			emit(events.Media, events.Stats, statistics(&what.Media[i]))
		}
		if d := what.Data; d != nil {
			emit(events.Media, events.Stats, events.Object{
				"mid": d.MID, "mindex": d.Index, "media": "data",
				"packets-received": d.Traffic.PacketsReceived, "packets-sent": d.Traffic.PacketsSent,
				"bytes-received": d.Traffic.BytesReceived, "bytes-sent": d.Traffic.BytesSent,
			})
		}
	}
}

func selectedPair(s node.Selected) events.Object {
	protocol := "udp"
	if s.TCP {
		protocol = "tcp"
	}
	side := func(a netip.AddrPort, kind string) events.Object {
		family := 4
		if a.Addr().Is6() {
			family = 6
		}
		return events.Object{"address": a.Addr().String(), "port": a.Port(), "type": kind, "transport": protocol, "family": family}
	}
	text := func(a netip.AddrPort) string { return fmt.Sprintf("%s:%d", a.Addr(), a.Port()) }
	return events.Object{
		"selected-pair": fmt.Sprintf("%s [host,%s] <-> %s [prflx,%s]", text(s.Local), protocol, text(s.Remote), protocol),
		// Of an endpoint's candidates none is looked at: where its checks come from is what counts.
		"candidates": events.Object{"local": side(s.Local, "host"), "remote": side(s.Remote, "prflx")},
	}
}

func statistics(m *node.MediaStatistics) events.Object {
	media := "audio"
	if m.Video {
		media = "video"
	}
	if m.Layer > 0 {
		media = fmt.Sprintf("video-sim%d", m.Layer)
	}
	in, out := &m.Inbound, &m.Outbound
	body := events.Object{
		"mid": m.MID, "mindex": m.Index, "media": media, "codec": m.Codec, "base": m.ClockRate,
		"lost": in.Lost, "lost-by-remote": out.Lost,
		"jitter-local": in.Jitter.Milliseconds(), "jitter-remote": out.Jitter.Milliseconds(),
		"in-link-quality": quality(in.Packets, m.InboundLoss), "in-media-link-quality": quality(in.Packets, m.Unrepaired),
		"out-link-quality":       quality(out.Packets, float64(out.FractionLost)/256),
		"out-media-link-quality": quality(out.Packets, float64(out.FractionLost)/256),
		"packets-received":       in.Packets, "packets-sent": out.Packets, "bytes-received": in.Bytes, "bytes-sent": out.Bytes,
		"bytes-received-lastsec": m.InboundBytes, "bytes-sent-lastsec": m.OutboundBytes,
		"nacks-received": out.NACKs, "nacks-sent": in.NACKs, "retransmissions-received": in.Recovered,
	}
	if m.Layer == 0 {
		body["rtt"] = out.RTT.Milliseconds()
	}
	return body
}

// quality is in percent, 0 where nothing has come or gone yet, as at Janus.
func quality(packets uint64, loss float64) int {
	if packets == 0 {
		return 0
	}
	return int(100 * (1 - loss))
}
