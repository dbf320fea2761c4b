package echotest

// notice is what event handlers are told of a handle's settings.
type notice struct {
	Audio   bool   `json:"audio_active"`
	Video   bool   `json:"video_active"`
	Bitrate uint32 `json:"bitrate"`
}

func (n *turn) notice() {
	v := notice{Audio: *n.Settings.Audio, Video: *n.Settings.Video}
	if n.Settings.Bitrate != nil {
		v.Bitrate = *n.Settings.Bitrate
	}
	n.Notify(n.me(), n.Command.Handle.OpaqueID, v)
}
