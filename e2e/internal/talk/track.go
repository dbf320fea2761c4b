package talk

import (
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// track is a stream in whatever codec was negotiated, as browsers send. It is a webrtc.TrackLocal.
type track struct {
	kind webrtc.RTPCodecType

	mu     sync.Mutex
	writer webrtc.TrackLocalWriter // nil while it is not bound
	bound  string                  // to which it is, of its contexts
	ssrc   webrtc.SSRC
	codec  webrtc.RTPCodecParameters
}

// Bind is of webrtc.TrackLocal.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs := c.CodecParameters()
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer, t.bound, t.ssrc, t.codec = c.WriteStream(), c.ID(), c.SSRC(), codecs[0]
	return codecs[0], nil
}

// Unbind is of webrtc.TrackLocal.
func (t *track) Unbind(c webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bound == c.ID() {
		t.writer = nil
	}
	return nil
}

// ID is of webrtc.TrackLocal.
func (t *track) ID() string { return t.kind.String() }

// RID is of webrtc.TrackLocal.
func (t *track) RID() string { return "" }

// StreamID is of webrtc.TrackLocal.
func (t *track) StreamID() string { return "talk" }

// Kind is of webrtc.TrackLocal.
func (t *track) Kind() webrtc.RTPCodecType { return t.kind }

// Key frames that no decoder would like, but that every server takes for some, behind the payload descriptors of RFC 7741 and
// RFC 9628.
var keyframes = map[string][]byte{
	webrtc.MimeTypeVP8: {0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00},
	webrtc.MimeTypeVP9: {0x0c, 0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0e, 0xf0},
}

// write sends a packet, of which it gives the payload type, SSRC and payload.
func (t *track) write(h rtp.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil {
		return
	}
	payload := keyframes[t.codec.MimeType]
	if payload == nil {
		payload = keyframes[webrtc.MimeTypeVP8] // of audio any will do
	}
	h.SSRC, h.PayloadType = uint32(t.ssrc), uint8(t.codec.PayloadType)
	_, _ = t.writer.WriteRTP(&h, payload)
}
