package videoroom

import (
	"encoding/json"
)

// feedView is a feed in joined and in publishers events (spec/videoroom.md, 7.1).
type feedView struct {
	ID         ID              `json:"id"`
	Display    *string         `json:"display,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	Dummy      bool            `json:"dummy,omitempty"`
	AudioCodec string          `json:"audio_codec,omitempty"`
	VideoCodec string          `json:"video_codec,omitempty"`
	Streams    []streamView    `json:"streams"`
	Talking    *bool           `json:"talking,omitempty"`
}

// streamView is a stream of a feed. Those last are only in what the publisher itself is told (7.3).
type streamView struct {
	Type        string `json:"type"`
	MIndex      int    `json:"mindex"`
	Mid         string `json:"mid"`
	Disabled    bool   `json:"disabled,omitempty"`
	Description string `json:"description,omitempty"`
	Codec       string `json:"codec,omitempty"`
	Stereo      bool   `json:"stereo,omitempty"`
	FEC         bool   `json:"fec,omitempty"`
	DTX         bool   `json:"dtx,omitempty"`
	H264Profile string `json:"h264_profile,omitempty"`
	VP9Profile  string `json:"vp9_profile,omitempty"`
	Simulcast   bool   `json:"simulcast,omitempty"`
	SVC         bool   `json:"svc,omitempty"`
	Moderated   bool   `json:"moderated,omitempty"`
	Talking     *bool  `json:"talking,omitempty"`
	LevelID     uint32 `json:"audiolevel_ext_id,omitempty"`
	OrientID    uint32 `json:"videoorient_ext_id,omitempty"`
	DelayID     uint32 `json:"playoutdelay_ext_id,omitempty"`
}

func viewStream(index int, s *stream) streamView {
	v := streamView{Type: s.Type, MIndex: index, Mid: s.Mid, Disabled: s.Disabled}
	if s.Disabled {
		return v
	}
	v.Description, v.Codec = s.Description, s.Codec
	v.Stereo, v.FEC, v.DTX = s.Stereo, s.FEC, s.DTX
	v.H264Profile, v.VP9Profile = s.H264Profile, s.VP9Profile
	v.Simulcast, v.SVC = s.Simulcast, s.SVC
	return v
}

// feedFor is a feed as a joiner sees it in its answer.
func (p *publisher) feedFor() feedView {
	v := p.view()
	v.Dummy = p.Dummy
	for i := range p.Streams {
		s := &p.Streams[i]
		v.Streams[i].Moderated = s.Muted && !s.Disabled
		if s.Type != audio || s.Disabled || s.LevelID == 0 {
			continue
		}
		talking := s.Talking
		v.Streams[i].Talking = &talking
		if v.Talking == nil || talking {
			v.Talking = &talking
		}
	}
	return v
}

// feedEvent is a feed as an event shows it.
func (p *publisher) feedEvent() feedView {
	v := p.view()
	for i := range p.Streams {
		v.Streams[i].Moderated = p.Streams[i].Muted && p.Streams[i].Type == video && !p.Streams[i].Disabled
	}
	return v
}

func (p *publisher) view() feedView {
	v := feedView{ID: p.ID, Display: p.Display, Metadata: p.Metadata, Streams: make([]streamView, len(p.Streams))}
	for i := range p.Streams {
		s := &p.Streams[i]
		v.Streams[i] = viewStream(i, s)
		switch {
		case s.Disabled:
		case s.Type == audio && v.AudioCodec == "":
			v.AudioCodec = s.Codec
		case s.Type == video && v.VideoCodec == "":
			v.VideoCodec = s.Codec
		}
	}
	return v
}

// publishedView is what a publisher is told of what it publishes: added to its configured or joined.
type publishedView struct {
	AudioCodec string       `json:"audio_codec,omitempty"`
	VideoCodec string       `json:"video_codec,omitempty"`
	Streams    []streamView `json:"streams,omitempty"`
}

func (p *publisher) published() publishedView {
	var v publishedView
	for i := range p.Streams {
		s := &p.Streams[i]
		own := viewStream(i, s)
		if !s.Disabled {
			own.LevelID, own.OrientID, own.DelayID = s.LevelID, s.OrientID, s.DelayID
		}
		v.Streams = append(v.Streams, own)
		codec := s.Codec
		if codec == "" {
			codec = "none" // of the first m= section of the type, whatever came of it
		}
		switch {
		case s.Type == audio && v.AudioCodec == "":
			v.AudioCodec = codec
		case s.Type == video && v.VideoCodec == "":
			v.VideoCodec = codec
		}
	}
	return v
}

// slotView is an m= section of a subscription (7.2).
type slotView struct {
	Type            string          `json:"type"`
	Active          bool            `json:"active"`
	MIndex          int             `json:"mindex"`
	Mid             string          `json:"mid"`
	CrossRef        *string         `json:"crossrefid,omitempty"`
	Ready           bool            `json:"ready"`
	Send            bool            `json:"send"`
	Sources         int             `json:"sources,omitempty"`
	SourceIDs       []ID            `json:"source_ids,omitempty"`
	FeedID          ID              `json:"feed_id,omitempty"`
	FeedDisplay     *string         `json:"feed_display,omitempty"`
	FeedMetadata    json.RawMessage `json:"feed_metadata,omitempty"`
	FeedMid         string          `json:"feed_mid,omitempty"`
	FeedDescription string          `json:"feed_description,omitempty"`
	Codec           string          `json:"codec,omitempty"`
	H264Profile     string          `json:"h264-profile,omitempty"`
	VP9Profile      string          `json:"vp9-profile,omitempty"`
	PlayoutDelay    *delayView      `json:"playout-delay,omitempty"`
	Simulcast       *simulcastView  `json:"simulcast,omitempty"`
	SVC             *svcView        `json:"svc,omitempty"`
}

type delayView struct {
	Min int32 `json:"min-delay"`
	Max int32 `json:"max-delay"`
}

type simulcastView struct {
	Substream       int32  `json:"substream"`
	SubstreamTarget int32  `json:"substream-target"`
	Temporal        int32  `json:"temporal-layer"`
	TemporalTarget  int32  `json:"temporal-layer-target"`
	Fallback        uint32 `json:"fallback,omitempty"`
}

type svcView struct {
	Spatial        int32 `json:"spatial-layer"`
	SpatialTarget  int32 `json:"target-spatial-layer"`
	Temporal       int32 `json:"temporal-layer"`
	TemporalTarget int32 `json:"target-temporal-layer"`
}

func (d *draft) slotViews(s *subscriber) []slotView {
	views := make([]slotView, len(s.Slots))
	for i := range s.Slots {
		views[i] = d.viewSlot(i, &s.Slots[i])
	}
	return views
}

func (d *draft) viewSlot(index int, s *slot) slotView {
	v := slotView{
		Type: s.Type, Active: s.active(), MIndex: index, Mid: s.Mid, CrossRef: s.CrossRef, Ready: s.Ready, Send: s.Send,
	}
	for _, from := range s.Data {
		v.SourceIDs = append(v.SourceIDs, from.Feed)
	}
	v.Sources = len(s.Data)
	if s.Source == nil {
		return v
	}
	v.FeedID, v.FeedMid, v.Codec = s.Source.Feed, s.Source.Mid, s.Codec
	if s.Type == video {
		v.H264Profile, v.VP9Profile = s.H264Profile, s.VP9Profile
		if s.MinDelay != nil && s.MaxDelay != nil {
			v.PlayoutDelay = &delayView{*s.MinDelay, *s.MaxDelay}
		}
	}
	p := d.publishers[s.Source.Handle]
	if p == nil {
		return v
	}
	v.FeedDisplay, v.FeedMetadata = p.Display, p.Metadata
	if from := p.stream(s.Source.Mid); from != nil {
		v.FeedDescription = from.Description
		if from.Simulcast {
			v.Simulcast = &simulcastView{s.Now.Substream, s.Targets.Substream, s.Now.Temporal, s.Targets.Temporal, s.FallbackUS}
		}
		if from.SVC {
			v.SVC = &svcView{s.Now.SpatialLayer, s.Targets.SpatialLayer, s.Now.TemporalLayer, s.Targets.TemporalLayer}
		}
	}
	return v
}
