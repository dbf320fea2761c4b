package videocall

import "github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"

// info is a handle as administrators see it.
type info struct {
	State       string `json:"state"` // idle or incall
	InCall      int    `json:"incall"`
	Username    string `json:"username,omitempty"`
	Peer        string `json:"peer,omitempty"`
	AudioActive bool   `json:"audio_active"`
	VideoActive bool   `json:"video_active"`
	VideoCodec  string `json:"video_codec,omitempty"`
	Bitrate     uint32 `json:"bitrate"`
	Substream   *int32 `json:"substream,omitempty"`
	Temporal    *int32 `json:"temporal-layer,omitempty"`
	Recording   bool   `json:"recording,omitempty"`
	E2EE        bool   `json:"e2ee"`
	HangingUp   int    `json:"hangingup"` // one that ends is gone at once
	Destroyed   int    `json:"destroyed"`
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
	about.State, about.InCall, about.E2EE, about.Recording = "incall", 1, u.Call.E2EE, u.Call.Written
	about.VideoCodec, about.Substream, about.Temporal = u.Call.Relayed.Codec, u.Call.Relayed.Substream, u.Call.Relayed.Temporal
	if id, err := plugin.ParseHandleID(u.Call.With); err == nil && r.users[id] != nil {
		about.Peer = r.users[id].name()
	}
	return about
}
