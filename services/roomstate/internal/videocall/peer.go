package videocall

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
)

// peer is what a node says of the handle's peer.
func (d *draft) peer(news *busv1.PeerEvent) {
	u := d.user(d.me())
	if moving.News(d.Turn, host{d}) {
		return
	}
	if u.Call == nil || news.GetGeneration() != u.Generation {
		return // of an earlier one
	}
	switch kind := news.GetKind().(type) {
	case *busv1.PeerEvent_Up_:
		if !u.Peer.Up {
			d.ownPeer(d.me()).Up = true
		}
		d.core(d.me(), &busv1.Event{Kind: &busv1.Event_WebrtcUp{WebrtcUp: &busv1.WebrtcUp{}}})
	case *busv1.PeerEvent_Closed_:
		d.end(d.me(), kind.Closed.GetReason())
	case *busv1.PeerEvent_Media:
		d.core(d.me(), &busv1.Event{Kind: &busv1.Event_Media{Media: kind.Media}})
	case *busv1.PeerEvent_SlowLink_:
		d.core(d.me(), &busv1.Event{Kind: &busv1.Event_SlowLink{SlowLink: kind.SlowLink}})
		d.tell(d.me(), members{
			"event": "slow_link", "media": kind.SlowLink.GetMedia(), "current-bitrate": kind.SlowLink.GetBitrateBps(),
		}, nil)
	case *busv1.PeerEvent_Layer_:
		d.layer(kind.Layer)
	}
}

// layer tells of what is relayed to the user from now on, each in an event of its own.
func (d *draft) layer(l *busv1.PeerEvent_Layer) {
	d.inCall(d.me(), func(c *call) {
		c.Relayed.Codec = l.GetCodec()
		if l.Substream != nil {
			c.Relayed.Substream = l.Substream
		}
		if l.Temporal != nil {
			c.Relayed.Temporal = l.Temporal
		}
	})
	if l.Substream != nil {
		d.simulcast(l.GetCodec(), "substream", l.GetSubstream())
	}
	if l.Temporal != nil {
		d.simulcast(l.GetCodec(), "temporal", l.GetTemporal())
	}
}

func (d *draft) simulcast(codec, what string, layer int32) {
	d.tell(d.me(), members{"event": "simulcast", "videocodec": codec, what: layer}, nil)
}
