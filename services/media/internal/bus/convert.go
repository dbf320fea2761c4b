package bus

import (
	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// command is what roomstate hears of an event.
func command(nodeName, nodeID string, id node.PeerID, e node.Event) *busv1.Command {
	p := &busv1.PeerEvent{Node: nodeName, NodeId: nodeID, Generation: id.Generation}
	switch e := e.(type) {
	case node.Up:
		p.Kind = &busv1.PeerEvent_Up_{Up: &busv1.PeerEvent_Up{}}
	case node.Closed:
		p.Kind = &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: e.Reason, WithNode: e.WithNode}}
	case node.MediaState:
		p.Kind = &busv1.PeerEvent_Media{Media: mediaState(e)}
	case node.SlowLink:
		p.Kind = &busv1.PeerEvent_SlowLink_{SlowLink: &busv1.PeerEvent_SlowLink{
			Mid: e.MID, Media: kind(e.Video), Uplink: e.Uplink, Lost: e.Lost, BitrateBps: uint32(min(e.BitrateBPS, 1<<32-1)),
		}}
	case node.Layer:
		p.Kind = &busv1.PeerEvent_Layer_{Layer: &busv1.PeerEvent_Layer{
			Mid: e.MID, Codec: e.Codec, Substream: number(e.Substream), Temporal: number(e.Temporal),
			SpatialLayer: number(e.SpatialLayer), TemporalLayer: number(e.TemporalLayer),
		}}
	case node.Text:
		p.Kind = &busv1.PeerEvent_Text_{Text: &busv1.PeerEvent_Text{Text: e.Text}}
	case node.Moved:
		p.Kind = &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}
	case node.NotMoved:
		p.Kind = &busv1.PeerEvent_NotMoved_{NotMoved: &busv1.PeerEvent_NotMoved{Lost: e.Lost}}
	case node.Talking:
		p.Kind = &busv1.PeerEvent_Talking_{Talking: &busv1.PeerEvent_Talking{Mid: e.MID, Talking: e.Talking, Level: e.Level}}
	}
	return &busv1.Command{
		Id: bus.NewCommandID(), SessionId: id.Session, HandleId: id.ID, Verb: &busv1.Command_Peer{Peer: p},
	}
}

func mediaState(e node.MediaState) *busv1.PeerEvent_MediaState {
	m := &busv1.PeerEvent_MediaState{Mid: e.MID, Type: kind(e.Video), Receiving: e.Receiving, Seconds: e.Seconds}
	if e.Substream >= 0 {
		substream := uint32(e.Substream)
		m.Substream = &substream
	}
	return m
}

func kind(video bool) string {
	if video {
		return "video"
	}
	return "audio"
}

func number(v *int) *int32 {
	if v == nil {
		return nil
	}
	n := int32(*v)
	return &n
}
