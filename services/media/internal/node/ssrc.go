package node

import "math/rand/v2"

// ssrcs are all that one peer has ever sent with. None is drawn twice: with the same SSRC and key, GCM would meet a
// nonce again (RFC 7714, section 8.4).
type ssrcs map[uint32]struct{}

// new draws one by draw, which returns any number.
func (s ssrcs) new(draw func() uint32) uint32 {
	for {
		ssrc := draw()
		if _, used := s[ssrc]; ssrc != 0 && !used {
			s[ssrc] = struct{}{}
			return ssrc
		}
	}
}

// newSSRC is for whatever the peer is to send.
func (p *peer) newSSRC() uint32 { return p.ssrcs.new(rand.Uint32) }
