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

// RTP in AES-GCM (RFC 7714), the profile of nearly all peers, is encrypted and decrypted here. pion's srtp does the other
// profiles, and all of SRTCP. For this one path, in which a node spends its time, it parses each header into a structure
// and looks up two maps, which costs as much as the encryption.

const (
	gcmNonce  = 12
	gcmTag    = 16
	rtpHeader = 12 // bytes, without CSRCs and extension
	// maxRollovers ends a stream: there is no index for more packets (RFC 3711, section 9.2).
	maxRollovers = 1 << 32
)

// Labels of the key derivation (RFC 3711, section 4.3.2).
const (
	labelKey  = 0
	labelSalt = 2
)

// gcm is one direction's session key.
type gcm struct {
	aead  cipher.AEAD
	salt  [gcmNonce]byte
	nonce [gcmNonce]byte // scratch
}

func isGCM(p srtp.ProtectionProfile) bool {
	return p == srtp.ProtectionProfileAeadAes128Gcm || p == srtp.ProtectionProfileAeadAes256Gcm
}

func newGCM(masterKey, masterSalt []byte) (*gcm, error) {
	master, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	session, err := aes.NewCipher(derive(master, masterSalt, labelKey, len(masterKey)))
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	g := &gcm{}
	if g.aead, err = cipher.NewGCM(session); err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	copy(g.salt[:], derive(master, masterSalt, labelSalt, gcmNonce))
	return g, nil
}

// derive returns n bytes of what RFC 3711, section 4.3.3 makes of a master key and salt, whose 96 bits RFC 7714,
// section 11 fills up with zeros. The key derivation rate is 0, as in all of WebRTC.
func derive(master cipher.Block, salt []byte, label byte, n int) []byte {
	var counter [aes.BlockSize]byte
	copy(counter[:14], salt)
	counter[7] ^= label
	out := make([]byte, n)
	cipher.NewCTR(master, counter[:]).XORKeyStream(out, out)
	return out
}

// iv is for one packet: two zero bytes, the SSRC, the index, masked by the salt (RFC 7714, section 8.1).
func (g *gcm) iv(ssrc uint32, index uint64) []byte {
	n := &g.nonce
	*n = g.salt
	binary.BigEndian.PutUint32(n[2:], binary.BigEndian.Uint32(n[2:])^ssrc)
	binary.BigEndian.PutUint32(n[6:], binary.BigEndian.Uint32(n[6:])^uint32(index>>16))
	binary.BigEndian.PutUint16(n[10:], binary.BigEndian.Uint16(n[10:])^uint16(index))
	return n[:]
}

var errNoRTP = errors.New("no RTP packet")

// parts returns an RTP packet's SSRC, its sequence number, and where its payload begins (RFC 3550, section 5.1).
func parts(b []byte) (ssrc uint32, seq uint16, payload int, err error) {
	if len(b) < rtpHeader || b[0]>>6 != 2 {
		return 0, 0, 0, errNoRTP
	}
	payload = rtpHeader + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < payload+4 {
			return 0, 0, 0, errNoRTP
		}
		payload += 4 + 4*int(binary.BigEndian.Uint16(b[payload+2:]))
	}
	if len(b) < payload {
		return 0, 0, 0, errNoRTP
	}
	return binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:]), payload, nil
}

// index returns the packet index (RFC 3711, section 3.3.1) for seq, which is near to the highest extended number so far,
// counted from packet.FirstCycle. A number older than the first cycle, or beyond the last, has none.
func index(highest uint64, seq uint16) (uint64, bool) {
	extended := packet.Nearest(highest, seq)
	return extended - packet.FirstCycle, extended >= packet.FirstCycle && extended-packet.FirstCycle < maxRollovers<<16
}
