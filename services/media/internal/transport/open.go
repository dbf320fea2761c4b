package transport

import (
	"errors"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// opener decrypts RTP packets.
type opener interface {
	// open decrypts b in place. It fails with errForged or errReplayed, after which b may be anything.
	open(b []byte) ([]byte, error)
	// roc returns an SSRC's roll-over counter, if anything of it has come or setROC has been called.
	roc(ssrc uint32) (uint32, bool)
	// setROC says what the counter is at an SSRC's first packet, 0 unless set.
	setROC(ssrc, roc uint32)
}

var (
	errForged   = errors.New("not authentic")
	errReplayed = errors.New("has come before, or is too late to tell")
)

func newOpener(k keys, whole *srtp.Context) (opener, error) {
	if !isGCM(k.profile) {
		return &pionOpener{context: whole}, nil
	}
	g, err := newGCM(k.remoteKey, k.remoteSalt)
	if err != nil {
		return nil, err
	}
	return &gcmOpener{gcm: g, streams: map[uint32]*inStream{}}, nil
}

type gcmOpener struct {
	*gcm
	streams map[uint32]*inStream // of SSRCs of which something authentic has come, or whose counter is known
	recent  *inStream            // the last of them: a burst is mostly one stream's
	unknown inStream             // scratch, for a packet of an SSRC that is not among them
}

// inStream is where an SSRC has got to.
type inStream struct {
	ssrc   uint32
	first  uint32 // roll-over counter of the first packet
	window        // of the sequence numbers, extended, from packet.FirstCycle on
}

func (o *gcmOpener) open(b []byte) ([]byte, error) {
	ssrc, seq, payload, err := parts(b)
	if err != nil || len(b) < payload+gcmTag {
		return nil, errForged
	}
	s := o.stream(ssrc)
	known := s != nil
	if !known {
		s = &o.unknown
		*s = inStream{ssrc: ssrc}
	}
	i, err := s.index(seq)
	if err != nil {
		return nil, err
	}
	plain, err := o.aead.Open(b[payload:payload], o.iv(ssrc, i), b[payload:], b[:payload])
	if err != nil {
		return nil, errForged
	}
	if !known {
		s = &inStream{ssrc: ssrc}
		o.streams[ssrc] = s
	}
	s.note(i + packet.FirstCycle)
	o.recent = s
	return b[:payload+len(plain)], nil
}

func (o *gcmOpener) stream(ssrc uint32) *inStream {
	if o.recent != nil && o.recent.ssrc == ssrc {
		return o.recent
	}
	return o.streams[ssrc]
}

func (o *gcmOpener) roc(ssrc uint32) (uint32, bool) {
	switch s := o.stream(ssrc); {
	case s == nil:
		return 0, false
	case s.highest == 0:
		return s.first, true
	default:
		return uint32((s.highest - packet.FirstCycle) >> 16), true
	}
}

func (o *gcmOpener) setROC(ssrc, roc uint32) {
	o.recent = nil
	o.streams[ssrc] = &inStream{ssrc: ssrc, first: roc}
}

// index returns what a packet's index must be if it is authentic.
func (s *inStream) index(seq uint16) (uint64, error) {
	if s.highest == 0 {
		return uint64(s.first)<<16 + uint64(seq), nil
	}
	i, ok := index(s.highest, seq)
	if !ok {
		return 0, errForged
	}
	if s.seen(i + packet.FirstCycle) {
		return 0, errReplayed
	}
	return i, nil
}

// pionOpener is for the other profiles.
type pionOpener struct {
	context *srtp.Context
	header  rtp.Header // scratch, kept for its slices
}

func (o *pionOpener) open(b []byte) ([]byte, error) {
	plain, err := o.context.DecryptRTP(b, b, &o.header)
	return plain, refusal(err)
}

func (o *pionOpener) roc(ssrc uint32) (uint32, bool) { return o.context.ROC(ssrc) }

func (o *pionOpener) setROC(ssrc, roc uint32) { o.context.SetROC(ssrc, roc) }

// refusal tells pion's errors of repeats from those of forgeries.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, srtp.ErrFailedToVerifyAuthTag):
		return errForged
	default:
		return errReplayed
	}
}
