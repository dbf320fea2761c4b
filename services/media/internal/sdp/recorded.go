package sdp

import "github.com/cardea-rtc/cardea/services/media/internal/packet"

// Recorded is how a stream is written to a file: with the payload type that subscribers get, and of header extensions
// only the picture's orientation, as at Janus. uris names it.
func (s *Stream) Recorded() (payloadType uint8, ids packet.ExtensionIDs, uris map[uint8]string) {
	uris = map[uint8]string{}
	if s.Kind == Video && s.IDs.VideoOrientation != 0 {
		ids.VideoOrientation, uris[idVideoOrientation] = idVideoOrientation, uriVideoOrientation
	}
	return payloadTypes[s.Format.Codec].PayloadType, ids, uris
}
