package sdp

import (
	"strconv"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// RemoteStream is what another server says of one stream of a publisher of its own.
type RemoteStream struct {
	MID                     string
	Kind                    Kind
	Codec                   string // Janus's name; empty of data
	Disabled                bool
	Stereo, FEC, DTX        bool // of Opus
	VP9Profile, H264Profile string
	SSRCs                   []uint32 // by layer, lowest first; several are simulcast
	AudioLevel              uint8    // numbers of header extensions; 0 for none
	VideoOrientation        uint8
	PlayoutDelay            uint8
}

// Stream is r as if it had been agreed on. It is an error if its codec is not known here.
func (r *RemoteStream) Stream() (Stream, error) {
	s := Stream{MID: r.MID, Kind: r.Kind, Direction: RecvOnly}
	if r.Kind == Data {
		s.Direction = SendRecv
		s.Refused = r.Disabled
		return s, nil
	}
	slot := Slot{Codec: r.Codec, Kind: r.Kind, FEC: r.FEC, DTX: r.DTX, Stereo: r.Stereo, VP9Profile: r.VP9Profile, H264Profile: r.H264Profile}
	format, known := payloadTypes[r.Codec]
	if r.Disabled || !known {
		if !r.Disabled {
			return Stream{}, invalid("codec %s", strconv.Quote(r.Codec))
		}
		s.Direction, s.Refused = Inactive, true
		return s, nil
	}
	s.Format = format
	s.Format.Parameters = slot.parameters()
	s.IDs = packet.ExtensionIDs{AudioLevel: r.AudioLevel, VideoOrientation: r.VideoOrientation, PlayoutDelay: r.PlayoutDelay}
	s.SSRCs, s.Simulcast = r.SSRCs, len(r.SSRCs) > 1
	return s, nil
}
