package videoroom

import (
	"cmp"
	"slices"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

type updatedView struct {
	VideoRoom string     `json:"videoroom"`
	Room      ID         `json:"room"`
	Streams   []slotView `json:"streams,omitempty"`
}

// makeOffer has the node make an offer of all the slots, of a new peer if there is none. It returns nil without an
// error if the turn has ended.
func (d *draft) makeOffer(s *subscriber) (*busv1.Jsep, error) {
	peer := clonePeer(s.Peer)
	if peer == nil {
		var err error
		if peer, err = d.newPeer(s.handle, s.Generation, d.sources(s), s.load()); peer == nil {
			return nil, err
		}
	}
	response, ok, err := d.call(s.handle, peer, &mediav1.MakeOfferRequest{
		Peer:        peerID(s.handle, peer),
		SessionName: "VideoRoom " + d.id.String(),
		Slots:       d.mediaSlots(s, peer.Node),
		IceRestart:  s.Restart,
	})
	if !ok || err != nil {
		return nil, err
	}
	offer, _ := response.(*mediav1.MakeOfferResponse)
	if s.Peer == nil {
		d.Made = append(d.Made, key(s.handle, peer))
		s.Generation = peer.Generation
	}
	peer.Told++
	s.Peer = peer
	s.Told = len(s.Slots)
	s.Offered, s.Changed, s.Restart = true, false, false
	return &busv1.Jsep{Type: "offer", Sdp: offer.GetSdp(), E2Ee: s.E2EE}, nil
}

// renegotiate offers a subscriber what changed without its doing: now, or after the answer that it owes. Where the
// node does not do its part the change stays to be offered with the next.
func (d *draft) renegotiate(s *subscriber) {
	if !s.Changed && !s.Restart || s.Offered || s.Peer == nil || !s.AutoUpdate && !s.Restart {
		return
	}
	if s.Peer.Next != "" && d.Alive(s.Peer.Next) {
		return // the node that takes it over knows it as it was; when that has it, or has not
	}
	d.offerWaiting(s)
}

// offerWaiting makes the offer of what has gathered.
func (d *draft) offerWaiting(s *subscriber) {
	jsep, err := d.makeOffer(s)
	if jsep == nil || err != nil {
		return
	}
	d.emit(s.handle, s.OpaqueID, event(updatedView{"updated", d.id, d.slotViews(s)}, jsep))
	d.noticeSubscription("updated", s)
}

// inform tells the node what the slots that it knows are to relay, without an offer.
func (d *draft) inform(s *subscriber) *failure {
	if s.Peer == nil {
		return nil
	}
	_, ok, err := d.call(s.handle, s.Peer, d.subscription(s, s.Peer.Node))
	if !ok {
		return nil
	}
	if err != nil {
		return unserved(err)
	}
	s.Peer.Told++
	return nil
}

// subscription is all that can be told without an offer, to a node.
func (d *draft) subscription(s *subscriber, node string) *mediav1.UpdateSubscriberRequest {
	return &mediav1.UpdateSubscriberRequest{
		Peer: peerID(s.handle, s.Peer), Slots: d.mediaSlots(s, node)[:s.Told], Paused: s.Paused || s.Kicked,
	}
}

// mediaSlots are the slots as a node takes them. Where a feed is on another one, that is named by its id: the caller of nodes
// knows their addresses.
func (d *draft) mediaSlots(s *subscriber, node string) []*mediav1.Slot {
	slots := make([]*mediav1.Slot, len(s.Slots))
	for i := range s.Slots {
		slots[i] = d.mediaSlot(s, &s.Slots[i], node)
	}
	return slots
}

// published tells whether a slot's source is still there. One whose publisher has put something else in its m= section
// is not: the slot falls silent, and holds up none of the others.
func (d *draft) published(from *source, codec string) bool {
	p := d.publishers[from.Handle]
	if p == nil || p.Generation != from.Generation {
		return false
	}
	return slices.ContainsFunc(p.Streams, func(st stream) bool {
		return st.Mid == from.Mid && (st.Disabled || st.Codec == codec)
	})
}

func (d *draft) mediaSlot(s *subscriber, sl *slot, node string) *mediav1.Slot {
	m := &mediav1.Slot{
		Mid: sl.Mid, Codec: sl.Codec, Send: sl.Send,
		Vp9Profile: sl.VP9Profile, H264Profile: sl.H264Profile,
		OpusStereo: sl.Stereo, OpusFec: sl.FEC, OpusDtx: sl.DTX,
		AudioLevel: sl.Level, VideoOrientation: sl.Orientation, PlayoutDelay: sl.Delay,
		MinDelay: sl.MinDelay, MaxDelay: sl.MaxDelay,
	}
	switch sl.Type {
	case audio:
		m.Kind = mediav1.Kind_KIND_AUDIO
		m.OpusRed = d.attributes.OpusRED && !s.E2EE // whatever the feed has: another may take its place
	case video:
		m.Kind = mediav1.Kind_KIND_VIDEO
		m.Layers = &mediav1.Layers{
			Substream: uint32(sl.Targets.Substream), Temporal: uint32(sl.Targets.Temporal), FallbackUs: sl.FallbackUS,
			SpatialLayer: uint32(sl.Targets.SpatialLayer), TemporalLayer: uint32(sl.Targets.TemporalLayer),
		}
	default:
		m.Kind = mediav1.Kind_KIND_DATA
	}
	if from := sl.Source; from != nil && d.published(from, sl.Codec) {
		m.Inactive = d.publishers[from.Handle].stream(from.Mid).Disabled
		m.Source = &mediav1.Source{Feed: d.feedName(from.Handle, from.Generation), Mid: from.Mid, Node: d.elsewhere(from, node)}
		if d.publishers[from.Handle].Dummy {
			m.Source.Feed = "" // nobody's
		}
		m.Msid = "janus janus" + sl.Mid
		if s.UseMSID {
			m.Msid = cmp.Or(sl.MSID, from.Feed.String()) + " " + sl.Mid
		}
	}
	for _, from := range sl.Data {
		m.DataSources = append(m.DataSources, &mediav1.DataSource{
			Feed: d.feedName(from.Handle, from.Generation), Label: from.Feed.String(), Node: d.elsewhere(&from, node),
		})
	}
	return m
}

// elsewhere is the id of the node that has a feed, empty if it is this one.
func (d *draft) elsewhere(from *source, node string) string {
	p := d.publishers[from.Handle]
	if p == nil || p.Peer == nil || p.Peer.Node == node {
		return ""
	}
	return p.Peer.Node
}
