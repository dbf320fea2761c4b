package transport

import "encoding/binary"

// BoundRTP makes index the first of an SSRC's that is not used here: it is what a node begins with that goes on from a kept
// value of this peer. What would have it is dropped.
func (p *Peer) BoundRTP(ssrc uint32, index uint64) {
	if p.sealer != nil {
		p.sealer.bound(ssrc, index)
	}
}

// BoundRTCP does the same for SRTCP.
func (p *Peer) BoundRTCP(ssrc uint32, index uint64) {
	if p.bounds == nil {
		p.bounds = map[uint32]uint64{}
	}
	p.bounds[ssrc] = index
}

// mayReport tells whether the next SRTCP index of a packet's SSRC is within its bound.
func (p *Peer) mayReport(packet []byte) bool {
	if p.bounds == nil || len(packet) < 8 {
		return true
	}
	ssrc := binary.BigEndian.Uint32(packet[4:])
	bound, ok := p.bounds[ssrc]
	if !ok {
		return true
	}
	last, _ := p.outbound.Index(ssrc)
	return uint64(last)+1 < bound
}
