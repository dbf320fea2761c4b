package transport

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

var errUnsealable = errors.New("not an RTP packet that can be encrypted")

// sealer encrypts RTP packets in place by AES-GCM (RFC 7714), the profile of nearly all peers. pion's srtp does the
// others, all of SRTCP, and what is received; for this one path, in which a node spends its time, it reads each header
// into a structure and looks two maps up, which costs as much as the encryption itself.
type sealer struct {
	aead    cipher.AEAD
	salt    [gcmNonce]byte
	nonce   [gcmNonce]byte // scratch
	streams map[uint32]*sealed
	recent  *sealed // the last that sent: a burst is mostly one stream's
}

// sealed is where a stream has got to.
type sealed struct {
	ssrc    uint32
	highest uint64 // of the sequence numbers sent, extended, from packet.FirstCycle on; 0 if none was
}

const (
	gcmNonce     = 12
	rtpHeader    = 12      // bytes without CSRCs and extension
	maxRollovers = 1 << 32 // packets of more have no index
)

// labels of the key derivation (RFC 3711, section 4.3.2).
const (
	labelKey  = 0
	labelSalt = 2
)

// newSealer returns nil, and no error, for profiles other than AES-GCM.
func newSealer(k keys) (*sealer, error) {
	switch k.profile {
	case srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm:
	default:
		return nil, nil
	}
	session, err := derive(k.localKey, k.localSalt, labelKey, len(k.localKey))
	if err != nil {
		return nil, err
	}
	salt, err := derive(k.localKey, k.localSalt, labelSalt, gcmNonce)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(session)
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	s := &sealer{streams: map[uint32]*sealed{}}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	copy(s.salt[:], salt)
	return s, nil
}

// derive returns n bytes of what RFC 3711, section 4.3.3 makes of a master key and salt, whose 96 bits RFC 7714,
// section 11 fills up with zeros. The key derivation rate is 0, as in all of WebRTC.
func derive(key, salt []byte, label byte, n int) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	var counter [aes.BlockSize]byte
	copy(counter[:14], salt)
	counter[7] ^= label
	out := make([]byte, n)
	cipher.NewCTR(block, counter[:]).XORKeyStream(out, out)
	return out, nil
}

// seal encrypts b in place; its array needs room for 16 bytes more.
func (s *sealer) seal(b []byte) ([]byte, error) {
	payload, ok := payloadOffset(b)
	if !ok {
		return nil, errUnsealable
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	index, ok := s.stream(ssrc).take(binary.BigEndian.Uint16(b[2:]))
	if !ok {
		return nil, errUnsealable
	}
	// RFC 7714, section 8.1: two zero bytes, the SSRC, the roll-over counter, the sequence number, masked by the salt.
	n := &s.nonce
	*n = s.salt
	xor(n[2:6], ssrc)
	xor(n[6:10], uint32(index>>16))
	n[10] ^= b[2]
	n[11] ^= b[3]
	return s.aead.Seal(b[:payload], n[:], b[payload:], b[:payload]), nil
}

func xor(b []byte, v uint32) { binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)^v) }

func (s *sealer) stream(ssrc uint32) *sealed {
	if s.recent != nil && s.recent.ssrc == ssrc {
		return s.recent
	}
	one := s.streams[ssrc]
	if one == nil {
		one = &sealed{ssrc: ssrc}
		s.streams[ssrc] = one
	}
	s.recent = one
	return one
}

// goOnAt makes index that of the next packet (RFC 3711, section 3.3.1).
func (s *sealer) goOnAt(ssrc uint32, index uint64) {
	s.stream(ssrc).highest = packet.FirstCycle + index - 1
}

// take returns the index of a packet to be sent. One that is older than the first packet of all has none.
func (s *sealed) take(seq uint16) (index uint64, ok bool) {
	if s.highest == 0 {
		s.highest = packet.FirstCycle + uint64(seq)
	}
	extended := packet.Nearest(s.highest, seq)
	if extended < packet.FirstCycle || extended-packet.FirstCycle >= maxRollovers<<16 {
		return 0, false
	}
	s.highest = max(s.highest, extended)
	return extended - packet.FirstCycle, true
}

// payloadOffset is where the payload of an RTP packet begins (RFC 3550, section 5.1).
func payloadOffset(b []byte) (int, bool) {
	if len(b) < rtpHeader || b[0]>>6 != 2 {
		return 0, false
	}
	n := rtpHeader + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < n+4 {
			return 0, false
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	return n, n <= len(b)
}
