package videoroom

import (
	"encoding/json"
	"slices"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// ending is what Janus tells of every handle: here one that ends is gone at once.
type ending struct {
	HangingUp int `json:"hangingup"`
	Destroyed int `json:"destroyed"`
}

// publisherInfo is a participant as administrators see it (spec/videoroom.md, section 18).
type publisherInfo struct {
	Type      string          `json:"type"`
	Room      ID              `json:"room"`
	ID        ID              `json:"id"`
	PrivateID uint32          `json:"private_id"`
	Display   *string         `json:"display,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Bitrate   uint32          `json:"bitrate"`
	E2EE      bool            `json:"e2ee,omitempty"`
	Streams   []streamInfo    `json:"streams"`
	ending
}

type streamInfo struct {
	Type         string     `json:"type"`
	MIndex       int        `json:"mindex"`
	Mid          string     `json:"mid"`
	Description  string     `json:"description,omitempty"`
	Codec        string     `json:"codec,omitempty"`
	H264Profile  string     `json:"h264-profile,omitempty"`
	VP9Profile   string     `json:"vp9-profile,omitempty"`
	PlayoutDelay *delayView `json:"playout-delay,omitempty"`
	Simulcast    bool       `json:"simulcast,omitempty"`
	SVC          bool       `json:"svc,omitempty"`
	Level        *int       `json:"audio-level-dBov,omitempty"`
	Talking      *bool      `json:"talking,omitempty"`
	Recording    string     `json:"recording,omitempty"` // file that is written of it
	Subscribers  int        `json:"subscribers"`
}

// subscriberInfo is a subscription, likewise.
type subscriberInfo struct {
	Type           string     `json:"type"`
	Room           ID         `json:"room"`
	PrivateID      uint32     `json:"private_id"`
	Answered       bool       `json:"answered"`
	PendingOffer   bool       `json:"pending_offer"`
	PendingRestart bool       `json:"pending_restart"`
	Paused         bool       `json:"paused"`
	E2EE           bool       `json:"e2ee,omitempty"`
	Streams        []slotView `json:"streams"`
	ending
}

// Describe is of plugin.Described.
func (*Plugin) Describe(room plugin.Room, h plugin.HandleID) any {
	r, ok := room.(*Room)
	if !ok {
		return ending{}
	}
	if p := r.publishers[h]; p != nil {
		info := publisherInfo{
			Type: "publisher", Room: r.id, ID: p.ID, PrivateID: p.PrivateID, Display: p.Display, Metadata: p.Metadata,
			Bitrate: p.Bitrate, E2EE: p.E2EE, Streams: []streamInfo{},
		}
		for i := range p.Streams {
			info.Streams = append(info.Streams, r.streamInfo(p, i))
		}
		return info
	}
	if s := r.subscribers[h]; s != nil {
		return subscriberInfo{
			Type: "subscriber", Room: r.id, PrivateID: s.PrivateID, Answered: s.Told > 0 && !s.Offered,
			PendingOffer: s.Changed, PendingRestart: s.Restart, Paused: s.Paused, E2EE: s.E2EE,
			Streams: (&draft{Room: r}).slotViews(s),
		}
	}
	return ending{}
}

// With is of plugin.Measured.
func (i publisherInfo) With(peer *mediav1.DescribePeerResponse) any {
	i.Streams = slices.Clone(i.Streams)
	for n := range i.Streams {
		i.Streams[n].Recording = plugin.Recording(peer, i.Streams[n].Mid)
	}
	return i
}

func (r *Room) streamInfo(p *publisher, index int) streamInfo {
	s := &p.Streams[index]
	info := streamInfo{
		Type: s.Type, MIndex: index, Mid: s.Mid, Description: s.Description, Codec: s.Codec, H264Profile: s.H264Profile,
		VP9Profile: s.VP9Profile, Simulcast: s.Simulcast, SVC: s.SVC,
	}
	if s.MinDelay != nil && s.MaxDelay != nil {
		info.PlayoutDelay = &delayView{*s.MinDelay, *s.MaxDelay}
	}
	if s.Type == audio && s.LevelID != 0 {
		info.Talking, info.Level = &s.Talking, &s.Level
	}
	for _, w := range r.subscribers {
		for i := range w.Slots {
			info.Subscribers += w.Slots[i].takes(p, s)
		}
	}
	return info
}

// takes is 1 if a slot gets a publisher's stream, else 0.
func (s *slot) takes(p *publisher, from *stream) int {
	if src := s.Source; src != nil && src.Handle == p.handle && src.Mid == from.Mid {
		return 1
	}
	for _, src := range s.Data {
		if src.Handle == p.handle && from.Type == data {
			return 1
		}
	}
	return 0
}
