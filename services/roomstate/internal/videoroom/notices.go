package videoroom

import (
	"encoding/json"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// notice is what event handlers are told (spec/videoroom.md, section 18).
type notice struct {
	Event     string          `json:"event,omitempty"`
	Room      ID              `json:"room"`
	ID        ID              `json:"id,omitempty"`
	PrivateID *uint32         `json:"private_id,omitempty"`
	Display   *string         `json:"display,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Bitrate   *uint32         `json:"bitrate,omitempty"`
	Streams   any             `json:"streams,omitempty"`
	Feed      ID              `json:"feed,omitempty"`
	Mid       string          `json:"mid,omitempty"`
}

// notice tells event handlers of what the command's handle did.
func (d *draft) notice(n notice) {
	n.Room = d.id
	d.Notify(d.me(), d.Command.Handle.OpaqueID, n)
}

// noticeOfRoom tells them of what Janus ascribes to no handle.
func (d *draft) noticeOfRoom(event string, id ID) {
	d.Notify(plugin.HandleID{}, "", notice{Event: event, Room: d.id, ID: id})
}

func (d *draft) noticeJoined(p *publisher) {
	d.notice(notice{Event: "joined", ID: p.ID, PrivateID: &p.PrivateID, Display: p.Display, Metadata: p.Metadata})
}

func (d *draft) noticeConfigured(p *publisher) {
	bitrate := p.Bitrate
	d.notice(notice{Event: "configured", ID: p.ID, Bitrate: &bitrate})
}

// noticePublished tells what is published, or updated.
func (d *draft) noticePublished(event string, p *publisher) {
	streams := p.view().Streams
	for i := range streams { // of these Janus tells endpoints alone
		streams[i].Stereo, streams[i].FEC, streams[i].DTX = false, false, false
	}
	d.notice(notice{Event: event, ID: p.ID, Display: p.Display, Metadata: p.Metadata, Streams: streams})
}

// noticeSubscription tells of a subscriber's streams: subscribing when it has joined, updated when they have changed.
func (d *draft) noticeSubscription(event string, s *subscriber) {
	privateID := s.PrivateID
	d.Notify(s.handle, s.OpaqueID, notice{Event: event, Room: d.id, Streams: d.slotViews(s), PrivateID: &privateID})
}

// noticeUnsubscribed tells of each stream that a subscriber without a PeerConnection gets no more.
func (d *draft) noticeUnsubscribed(s *subscriber) {
	for i := range s.Slots {
		if from := s.Slots[i].Source; from != nil {
			d.Notify(s.handle, s.OpaqueID, notice{Event: "unsubscribed", Room: d.id, Feed: from.Feed, Mid: from.Mid})
		}
	}
}

// forwardNotice is what they are told of a forwarder: of one that ends by request only its id.
type forwardNotice struct {
	Event       string  `json:"event"`
	Room        ID      `json:"room"`
	PublisherID ID      `json:"publisher_id"`
	StreamID    *uint32 `json:"stream_id,omitempty"`
	*forwarderView
	Media          string `json:"media,omitempty"`
	Codec          string `json:"codec,omitempty"` // where streams were asked for
	VideoSubstream uint32 `json:"video_substream,omitempty"`
}

// noticeForwards tells of what is forwarded from now on. Janus ascribes it to no handle.
func (d *draft) noticeForwards(p *publisher, made []forwarded, codecs bool) {
	for i := range made {
		view := made[i].view()
		n := forwardNotice{
			Event: "rtp_forward", Room: d.id, PublisherID: p.ID, StreamID: &view.StreamID, forwarderView: &view,
			Media: view.Type, VideoSubstream: view.Substream,
		}
		if codecs {
			n.Codec = made[i].Codec
		}
		d.Notify(plugin.HandleID{}, "", n)
	}
}
