package videoroom

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// peer is what a node says of the handle's peer. Late news of an earlier peer change nothing.
func (d *draft) peer(news *busv1.PeerEvent) {
	p, s := d.publishers[d.me()], d.subscribers[d.me()]
	current, last := d.current()
	if moving.News(d.Turn, host{d}) {
		return
	}
	if closed := news.GetClosed(); closed != nil {
		d.closed(p, s, current, last, news.GetGeneration(), closed.GetReason())
		return
	}
	if current == nil || current.Generation != news.GetGeneration() {
		return
	}
	switch kind := news.GetKind().(type) {
	case *busv1.PeerEvent_Up_:
		d.up(p, s)
	case *busv1.PeerEvent_Media:
		d.core(&busv1.Event{Kind: &busv1.Event_Media{Media: kind.Media}})
	case *busv1.PeerEvent_SlowLink_:
		d.slowLink(p, kind.SlowLink)
	case *busv1.PeerEvent_Layer_:
		if s != nil {
			d.layer(s, kind.Layer)
		}
	case *busv1.PeerEvent_Talking_:
		if p != nil {
			d.talking(p, kind.Talking)
		}
	}
}

// up lets a publisher's streams be known, now that they can be subscribed to.
func (d *draft) up(p *publisher, s *subscriber) {
	d.core(&busv1.Event{Kind: &busv1.Event_WebrtcUp{WebrtcUp: &busv1.WebrtcUp{}}})
	if s != nil {
		if !s.Peer.Up {
			d.notice(notice{Event: "subscribed"})
		}
		d.ownSubscriber(s).Peer.Up = true
		return
	}
	if p.Peer.Up {
		return
	}
	p = d.own(p)
	p.Peer.Up = true
	if p.live() {
		d.noticePublished("published", p)
		d.tellOthers(p.handle, publishersView{"event", d.id, []feedView{p.feedEvent()}})
	}
}

// closed ends what a peer carried. The endpoint hears of it unless it has begun another PeerConnection since.
func (d *draft) closed(p *publisher, s *subscriber, current *plugin.Peer, last, generation uint32, reason string) {
	if generation < last {
		return
	}
	if current != nil && current.Generation == generation {
		switch {
		case p != nil && p.Remote:
			d.removeRemote(d.own(p))
		case p != nil:
			p = d.own(p)
			announced := p.live()
			d.withdraw(p)
			if announced {
				d.tellUnpublished(p)
			}
		default:
			s = d.ownSubscriber(s)
			news := d.Command.GetPeer()
			anew := current.Up && !s.Offered && (news.GetClosed().GetWithNode() || news.GetNotMoved() != nil) // or two nodes have lost it between them
			d.lose(s)
			if anew && d.offerAnew(s, current.Node) {
				return
			}
		}
	}
	d.core(&busv1.Event{Kind: &busv1.Event_Hangup{Hangup: &busv1.HangUp{Reason: reason}}})
}

// offerAnew has a subscriber whose node died, with the peer's value or before its endpoint could follow, or has ended and the endpoint
// did not follow, go on with another: by an offer of the same slots, which is to its endpoint as any other that it is sent, but for the credentials and the fingerprint
// (RFC 8445 section 9, RFC 8842 section 5). False if there is none, or if the turn has ended.
func (d *draft) offerAnew(s *subscriber, dead string) bool {
	d.avoided = dead
	d.offerWaiting(s)
	return s.Peer != nil
}

// lose leaves a subscriber without a PeerConnection: its slots stay, for an offer of a new one.
func (d *draft) lose(s *subscriber) {
	d.parted(s.handle, s.Peer)
	d.noticeUnsubscribed(s)
	s.Peer, s.Offered, s.Changed, s.Restart, s.Told = nil, false, false, false, 0
	for i := range s.Slots {
		s.Slots[i].Ready, s.Slots[i].Now = false, unknown
	}
}

type slowLinkView struct {
	VideoRoom string  `json:"videoroom"`
	Bitrate   *uint32 `json:"current-bitrate,omitempty"`
}

// slowLink tells the endpoint, and in the plugin's words as well if it can do something: a publisher whose packets
// are lost, a subscriber that loses ours.
func (d *draft) slowLink(p *publisher, l *busv1.PeerEvent_SlowLink) {
	d.core(&busv1.Event{Kind: &busv1.Event_SlowLink{SlowLink: l}})
	switch {
	case p != nil && !l.GetUplink():
		d.core(event(slowLinkView{"slow_link", &p.Bitrate}, nil))
	case p == nil && l.GetUplink():
		d.core(event(slowLinkView{VideoRoom: "slow_link"}, nil))
	}
}

type layerView struct {
	VideoRoom     string `json:"videoroom"`
	Room          ID     `json:"room"`
	Mid           string `json:"mid"`
	Substream     *int32 `json:"substream,omitempty"`
	Temporal      *int32 `json:"temporal,omitempty"`
	SpatialLayer  *int32 `json:"spatial_layer,omitempty"`
	TemporalLayer *int32 `json:"temporal_layer,omitempty"`
}

func (d *draft) tellLayer(s *subscriber, v layerView) {
	v.VideoRoom, v.Room = "event", d.id
	d.emit(s.handle, s.OpaqueID, event(v, nil))
}

// layer says what is relayed now, each kind of layer by an event of its own.
func (d *draft) layer(s *subscriber, l *busv1.PeerEvent_Layer) {
	if s.slot(l.GetMid()) == nil {
		return
	}
	s = d.ownSubscriber(s)
	d.layered(s.slot(l.GetMid()).Source, l)
	now := &s.slot(l.GetMid()).Now
	if l.Substream != nil {
		now.Substream = l.GetSubstream()
		d.tellLayer(s, layerView{Mid: l.GetMid(), Substream: l.Substream})
	}
	if l.Temporal != nil {
		now.Temporal = l.GetTemporal()
		d.tellLayer(s, layerView{Mid: l.GetMid(), Temporal: l.Temporal})
	}
	if l.SpatialLayer != nil {
		now.SpatialLayer = l.GetSpatialLayer()
		d.tellLayer(s, layerView{Mid: l.GetMid(), SpatialLayer: l.SpatialLayer})
	}
	if l.TemporalLayer != nil {
		now.TemporalLayer = l.GetTemporalLayer()
		d.tellLayer(s, layerView{Mid: l.GetMid(), TemporalLayer: l.TemporalLayer})
	}
}

// layered notes that a stream has layers within, if what is relayed of it shows so.
func (d *draft) layered(from *source, l *busv1.PeerEvent_Layer) {
	if from == nil || l.GetSpatialLayer() <= 0 && l.GetTemporalLayer() <= 0 {
		return
	}
	p := d.publishers[from.Handle]
	if p == nil || p.stream(from.Mid) == nil || p.stream(from.Mid).SVC {
		return
	}
	d.own(p).stream(from.Mid).SVC = true
}

type talkingView struct {
	VideoRoom string  `json:"videoroom"`
	Room      ID      `json:"room"`
	ID        ID      `json:"id"`
	MIndex    int     `json:"mindex"`
	Mid       string  `json:"mid"`
	Level     float64 `json:"audio-level-dBov-avg"`
}

// talking tells everyone, the speaker included, that someone began or stopped to speak.
func (d *draft) talking(p *publisher, t *busv1.PeerEvent_Talking) {
	s := p.stream(t.GetMid())
	if s == nil || !d.attributes.AudioLevelEvent || !s.relayed() || s.Talking == t.GetTalking() {
		return
	}
	p = d.own(p)
	v := talkingView{VideoRoom: "talking", Room: d.id, ID: p.ID, Mid: t.GetMid(), Level: t.GetLevel()}
	if !t.GetTalking() {
		v.VideoRoom = "stopped-talking"
	}
	for i := range p.Streams {
		if p.Streams[i].Mid == t.GetMid() {
			p.Streams[i].Talking, p.Streams[i].Level = t.GetTalking(), int(t.GetLevel())
			v.MIndex = i
		}
	}
	d.tellAll(v)
	d.Notify(p.handle, p.OpaqueID, v)
}
