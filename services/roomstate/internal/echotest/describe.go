package echotest

import (
	"math"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// info is a handle as administrators see it.
type info struct {
	AudioActive    bool              `json:"audio_active"`
	VideoActive    bool              `json:"video_active"`
	AudioCodec     string            `json:"audio_codec,omitempty"`
	AudioRED       bool              `json:"audio_red,omitempty"`
	VideoCodec     string            `json:"video_codec,omitempty"`
	Bitrate        uint32            `json:"bitrate"`
	PeerBitrate    uint32            `json:"peer-bitrate"` // the endpoint's last REMB, 0 for none
	SlowLinks      uint32            `json:"slowlink_count"`
	Simulcast      bool              `json:"simulcast,omitempty"`
	Substream      *int32            `json:"substream,omitempty"` // -1 where none is relayed yet, like the other layers
	WantedStream   *uint32           `json:"substream-target,omitempty"`
	SVC            bool              `json:"svc,omitempty"`
	SpatialLayer   *int32            `json:"spatial-layer,omitempty"`
	WantedSpatial  *uint32           `json:"spatial-layer-target,omitempty"`
	Temporal       *int32            `json:"temporal-layer,omitempty"`
	WantedTemporal *uint32           `json:"temporal-layer-target,omitempty"`
	Fallback       uint32            `json:"fallback,omitempty"`
	Recording      map[string]string `json:"recording,omitempty"` // files by what is in them
	E2EE           bool              `json:"e2ee"`
	HangingUp      int               `json:"hangingup"` // one that ends is gone at once
	Destroyed      int               `json:"destroyed"`
}

// Describe is of plugin.Described.
func (*Plugin) Describe(room plugin.Room, _ plugin.HandleID) any {
	r, ok := room.(*Room)
	if !ok {
		return info{}
	}
	i := info{
		AudioActive: value(r.Settings.Audio, true), VideoActive: value(r.Settings.Video, true),
		AudioCodec: r.Codecs.Audio, VideoCodec: r.Codecs.Video,
		Bitrate: value(r.Settings.Bitrate, 0), SlowLinks: r.SlowLinks, E2EE: r.E2EE,
	}
	now := func(layer *int32) *int32 { return new(value(layer, -1)) }
	wanted := func(layer *uint32) *uint32 { return new(value(layer, bestLayer)) }
	switch {
	case r.Codecs.Simulcast:
		i.Simulcast, i.Fallback = true, value(r.Settings.Fallback, 0)
		i.Substream, i.WantedStream = now(r.Relayed.Substream), wanted(r.Settings.Substream)
		i.Temporal, i.WantedTemporal = now(r.Relayed.Temporal), wanted(r.Settings.Temporal)
	case r.Codecs.SVC:
		i.SVC = true
		i.SpatialLayer, i.WantedSpatial = now(r.Relayed.SpatialLayer), wanted(r.Settings.SpatialLayer)
		i.Temporal, i.WantedTemporal = now(r.Relayed.TemporalLayer), wanted(r.Settings.TemporalLayer)
	}
	return i
}

// With is of plugin.Measured.
func (i info) With(peer *mediav1.DescribePeerResponse) any {
	i.PeerBitrate = uint32(min(peer.GetRembBps(), math.MaxUint32))
	i.AudioRED = strings.Contains(peer.GetLocalSdp(), " red/48000")
	i.Recording = plugin.Recordings(peer)
	return i
}
