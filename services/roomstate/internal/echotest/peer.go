package echotest

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
)

type layerView struct {
	EchoTest      string `json:"echotest"`
	VideoCodec    string `json:"videocodec"`
	Substream     *int32 `json:"substream,omitempty"`
	Temporal      *int32 `json:"temporal,omitempty"`
	SpatialLayer  *int32 `json:"spatial_layer,omitempty"`
	TemporalLayer *int32 `json:"temporal_layer,omitempty"`
}

type slowLinkView struct {
	EchoTest string `json:"echotest"`
	Event    string `json:"event"`
	Media    string `json:"media"`
	Bitrate  uint32 `json:"current-bitrate"`
}

// peer is what a node says of the handle's peer.
func (n *turn) peer(news *busv1.PeerEvent) {
	if moving.News(n.Turn, host{n}) || news.GetGeneration() != n.Generation {
		return // the latter is of an earlier one
	}
	switch kind := news.GetKind().(type) {
	case *busv1.PeerEvent_Up_:
		if n.Peer != nil && !n.Peer.Up {
			n.Peer.Up, n.changed = true, true
		}
		n.core(&busv1.Event{Kind: &busv1.Event_WebrtcUp{WebrtcUp: &busv1.WebrtcUp{}}})
	case *busv1.PeerEvent_Closed_:
		n.closed(kind.Closed.GetReason())
	case *busv1.PeerEvent_Media:
		n.core(&busv1.Event{Kind: &busv1.Event_Media{Media: kind.Media}})
	case *busv1.PeerEvent_SlowLink_:
		n.SlowLinks++
		n.changed = true
		n.core(&busv1.Event{Kind: &busv1.Event_SlowLink{SlowLink: kind.SlowLink}})
		n.core(event(slowLinkView{"event", "slow_link", kind.SlowLink.GetMedia(), kind.SlowLink.GetBitrateBps()}, nil))
	case *busv1.PeerEvent_Layer_:
		n.Relayed = n.Relayed.with(kind.Layer)
		n.changed = true
		n.core(event(n.Relayed.changed(kind.Layer), nil))
	}
}

// with returns l with what has changed.
func (l layers) with(news *busv1.PeerEvent_Layer) layers {
	l.Codec = news.GetCodec()
	for _, of := range []struct{ to, from **int32 }{
		{&l.Substream, &news.Substream}, {&l.Temporal, &news.Temporal},
		{&l.SpatialLayer, &news.SpatialLayer}, {&l.TemporalLayer, &news.TemporalLayer},
	} {
		if *of.from != nil {
			*of.to = *of.from
		}
	}
	return l
}

// changed tells of a change: of both layers of a kind of stream, even if but one is another now.
func (l layers) changed(news *busv1.PeerEvent_Layer) layerView {
	v := layerView{EchoTest: "event", VideoCodec: l.Codec}
	if news.Substream != nil || news.Temporal != nil {
		v.Substream, v.Temporal = l.Substream, l.Temporal
	}
	if news.SpatialLayer != nil || news.TemporalLayer != nil {
		v.SpatialLayer, v.TemporalLayer = l.SpatialLayer, l.TemporalLayer
	}
	return v
}

// tellPresent tells of each layer asked for that is relayed already: no switch will do so.
func (n *turn) tellPresent(set settings) {
	present := func(asked *uint32, now *int32) bool { return asked != nil && now != nil && int32(*asked) == *now }
	tell := func(v layerView) {
		v.EchoTest, v.VideoCodec = "event", n.Relayed.Codec
		n.core(event(v, nil))
	}
	if present(set.Substream, n.Relayed.Substream) {
		tell(layerView{Substream: n.Relayed.Substream})
	}
	if present(set.Temporal, n.Relayed.Temporal) {
		tell(layerView{Temporal: n.Relayed.Temporal})
	}
	if present(set.SpatialLayer, n.Relayed.SpatialLayer) {
		tell(layerView{SpatialLayer: n.Relayed.SpatialLayer})
	}
	if present(set.TemporalLayer, n.Relayed.TemporalLayer) {
		tell(layerView{TemporalLayer: n.Relayed.TemporalLayer})
	}
}

// closed says that the echo has ended, in the plugin's words and then in the core's. The handle can begin anew.
func (n *turn) closed(reason string) {
	if n.Peer != nil {
		n.forget()
		n.core(event(okView{"event", "done"}, nil))
	}
	n.core(&busv1.Event{Kind: &busv1.Event_Hangup{Hangup: &busv1.HangUp{Reason: reason}}})
}

// forget begins anew, as after a hangup at Janus.
func (n *turn) forget() {
	n.Lost = append(n.Lost, n.Peer.Keys(n.me())...)
	n.Peer, n.E2EE, n.Settings, n.Codecs, n.Relayed, n.Written = nil, false, defaults(), codecs{}, layers{}, nil
	n.SlowLinks = 0
	n.changed = true
}

func (n *turn) hangup() {
	if n.Peer != nil {
		n.Close(n.me(), n.Peer, n.HangupReason(), false)
	}
}

func (n *turn) detach() {
	if n.Peer != nil {
		n.Close(n.me(), n.Peer, "", true)
		n.forget()
	}
	n.dropped, n.Gone = true, true
	n.core(&busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}})
}
