package videocall

import (
	"cmp"
	"math"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// info is a handle as administrators see it.
type info struct {
	State       string            `json:"state"` // idle or incall
	InCall      int               `json:"incall"`
	Username    string            `json:"username,omitempty"`
	Peer        string            `json:"peer,omitempty"`
	AudioActive bool              `json:"audio_active"`
	VideoActive bool              `json:"video_active"`
	AudioCodec  string            `json:"audio_codec,omitempty"`
	VideoCodec  string            `json:"video_codec,omitempty"`
	Bitrate     uint32            `json:"bitrate"`
	PeerBitrate uint32            `json:"peer-bitrate"` // the endpoint's last REMB, 0 for none
	Substream   *int32            `json:"substream,omitempty"`
	Temporal    *int32            `json:"temporal-layer,omitempty"`
	Recording   map[string]string `json:"recording,omitempty"` // files by what is in them
	E2EE        bool              `json:"e2ee"`
	HangingUp   int               `json:"hangingup"` // one that ends is gone at once
	Destroyed   int               `json:"destroyed"`
}

// Describe is of plugin.Described.
func (*Plugin) Describe(room plugin.Room, h plugin.HandleID) any {
	about := info{State: "idle"}
	r, ok := room.(*Room)
	if !ok || r.users[h] == nil {
		return about
	}
	u := r.users[h]
	about.Username, about.Bitrate = u.name(), u.Settings.Bitrate
	about.AudioActive, about.VideoActive = !u.Settings.Mute, !u.Settings.Blind
	if u.Call == nil {
		return about
	}
	about.State, about.InCall, about.E2EE = "incall", 1, u.Call.E2EE
	about.VideoCodec, about.Substream, about.Temporal = u.Call.Relayed.Codec, u.Call.Relayed.Substream, u.Call.Relayed.Temporal
	if id, err := plugin.ParseHandleID(u.Call.With); err == nil && r.users[id] != nil {
		about.Peer = r.users[id].name()
	}
	return about
}

// With is of plugin.Measured.
func (i info) With(peer *mediav1.DescribePeerResponse) any {
	i.PeerBitrate, i.Recording = uint32(min(peer.GetRembBps(), math.MaxUint32)), plugin.Recordings(peer)
	for _, s := range peer.GetSections() {
		switch s.GetKind() {
		case mediav1.Kind_KIND_AUDIO:
			i.AudioCodec = cmp.Or(i.AudioCodec, s.GetCodec())
		case mediav1.Kind_KIND_VIDEO:
			i.VideoCodec = cmp.Or(i.VideoCodec, s.GetCodec())
		}
	}
	return i
}
