package sdp

import "github.com/cardea-rtc/cardea/services/media/internal/packet"

// Recorded is how a stream is written to a file: with the payload type that subscribers get, and of header extensions
// the picture's orientation, which uris names as at Janus, and the sound's level by the publisher's number: janus-pp-rec
// wants to be told that (--audiolevel-ext).
func (s *Stream) Recorded() (payloadType uint8, ids packet.ExtensionIDs, uris map[uint8]string) {
	uris = map[uint8]string{}
	if s.Kind == Video && s.IDs.VideoOrientation != 0 {
		ids.VideoOrientation, uris[idVideoOrientation] = idVideoOrientation, uriVideoOrientation
	}
	if s.Kind == Audio {
		ids.AudioLevel = s.IDs.AudioLevel
	}
	return payloadTypes[s.Format.Codec].PayloadType, ids, uris
}
