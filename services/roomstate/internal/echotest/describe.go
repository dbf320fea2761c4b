package echotest

import (
	"math"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// info is a handle as administrators see it.
type info struct {
	AudioActive bool   `json:"audio_active"`
	VideoActive bool   `json:"video_active"`
	VideoCodec  string `json:"video_codec,omitempty"`
	AudioRED    bool   `json:"audio_red,omitempty"`
	Bitrate     uint32 `json:"bitrate"`
	PeerBitrate uint32 `json:"peer-bitrate"` // the endpoint's last REMB, 0 for none
	SlowLinks   uint32 `json:"slowlink_count"`
	Substream   *int32 `json:"substream,omitempty"`
	Temporal    *int32 `json:"temporal-layer,omitempty"`
	Recording   bool   `json:"recording,omitempty"`
	E2EE        bool   `json:"e2ee"`
	HangingUp   int    `json:"hangingup"` // one that ends is gone at once
	Destroyed   int    `json:"destroyed"`
}

// Describe is of plugin.Described.
func (*Plugin) Describe(room plugin.Room, _ plugin.HandleID) any {
	r, ok := room.(*Room)
	if !ok {
		return info{}
	}
	return info{
		AudioActive: value(r.Settings.Audio, true), VideoActive: value(r.Settings.Video, true), VideoCodec: r.Relayed.Codec,
		AudioRED: value(r.Settings.OpusRED, false), Bitrate: value(r.Settings.Bitrate, 0), SlowLinks: r.SlowLinks, Substream: r.Relayed.Substream,
		Temporal: r.Relayed.Temporal, Recording: r.Written != nil, E2EE: r.E2EE,
	}
}

// With is of plugin.Measured.
func (i info) With(peer *mediav1.DescribePeerResponse) any {
	i.PeerBitrate = uint32(min(peer.GetRembBps(), math.MaxUint32))
	return i
}
