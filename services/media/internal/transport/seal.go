package transport

import (
	"errors"
	"math"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// sealer encrypts RTP packets.
type sealer interface {
	// seal appends the payload, encrypted, to the header, whose array has room for maxOutbound bytes. The payload may be
	// there already.
	seal(header, payload []byte) ([]byte, error)
	// goOnAt makes index that of the SSRC's next packet (RFC 3711, section 3.3.1).
	goOnAt(ssrc uint32, index uint64)
	// bound makes index the first of the SSRC's that is not to be used.
	bound(ssrc uint32, index uint64)
}

func newSealer(k keys, whole *srtp.Context) (sealer, error) {
	if !isGCM(k.profile) {
		return &pionSealer{context: whole, streams: map[uint32]*outStream{}}, nil
	}
	g, err := newGCM(k.localKey, k.localSalt)
	if err != nil {
		return nil, err
	}
	return &gcmSealer{gcm: g, streams: map[uint32]*outStream{}}, nil
}

var (
	errNoIndex     = errors.New("packet is older than the first of its stream, or the stream is at its end")
	errBeyondBound = errors.New("index is that of another node, should this one be dead")
)

type gcmSealer struct {
	*gcm
	streams map[uint32]*outStream
	recent  [recentStreams]*outStream // those that sent last, by SSRC
}

// recentStreams is how many streams are found without the map: those of a connection take turns, burst by burst. A power
// of two.
const recentStreams = 16

// outStream is where an SSRC has got to.
type outStream struct {
	ssrc    uint32
	highest uint64 // of the sequence numbers so far, extended, from packet.FirstCycle on; 0 if none was
	bound   uint64 // the first index that is not to be used
}

// next is the index of the packet of that sequence number, which is to be sent.
func (one *outStream) next(seq uint16) (uint64, error) {
	if one.highest == 0 {
		one.highest = packet.FirstCycle + uint64(seq)
	}
	i, ok := index(one.highest, seq)
	if !ok {
		return 0, errNoIndex
	}
	one.highest = max(one.highest, i+packet.FirstCycle) // of what is not sent too: numbers that come then are as far on
	if i >= one.bound {
		return 0, errBeyondBound
	}
	return i, nil
}

func (s *gcmSealer) seal(header, payload []byte) ([]byte, error) {
	ssrc, seq, size, err := parts(header)
	if err != nil {
		return nil, err
	}
	if size != len(header) {
		return nil, errNoRTP
	}
	i, err := s.stream(ssrc).next(seq)
	if err != nil {
		return nil, err
	}
	return s.aead.Seal(header, s.iv(ssrc, i), payload, header), nil
}

func (s *gcmSealer) stream(ssrc uint32) *outStream {
	recent := &s.recent[ssrc%recentStreams]
	if one := *recent; one != nil && one.ssrc == ssrc {
		return one
	}
	one := s.streams[ssrc]
	if one == nil {
		one = newOutStream(ssrc)
		s.streams[ssrc] = one
	}
	*recent = one
	return one
}

func newOutStream(ssrc uint32) *outStream { return &outStream{ssrc: ssrc, bound: math.MaxUint64} }

func (s *gcmSealer) bound(ssrc uint32, index uint64) { s.stream(ssrc).bound = index }

func (s *gcmSealer) goOnAt(ssrc uint32, index uint64) {
	s.stream(ssrc).highest = packet.FirstCycle + index - 1
}

// pionSealer is for the other profiles.
type pionSealer struct {
	context *srtp.Context
	header  rtp.Header // scratch, kept for its slices
	streams map[uint32]*outStream
}

func (s *pionSealer) stream(ssrc uint32) *outStream {
	one := s.streams[ssrc]
	if one == nil {
		one = newOutStream(ssrc)
		s.streams[ssrc] = one
	}
	return one
}

func (s *pionSealer) seal(header, payload []byte) ([]byte, error) {
	ssrc, seq, _, err := parts(header)
	if err != nil {
		return nil, err
	}
	if _, err := s.stream(ssrc).next(seq); err != nil {
		return nil, err
	}
	b := append(header, payload...)
	return s.context.EncryptRTP(b, b, &s.header)
}

func (s *pionSealer) bound(ssrc uint32, index uint64) { s.stream(ssrc).bound = index }

func (s *pionSealer) goOnAt(ssrc uint32, index uint64) {
	s.stream(ssrc).highest = packet.FirstCycle + index - 1
	s.context.SetROC(ssrc, uint32(index>>16))
}
