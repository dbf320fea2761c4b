package feedback

import "github.com/pion/rtcp"

const (
	// maxCompound is how large a compound packet of reports gets, in bytes: with SRTCP, UDP and IP around it, it
	// still fits any path that WebRTC does.
	maxCompound = 1200

	maxBlocks  = 31 // report blocks of an SR or RR, and chunks of an SDES: the count has five bits
	headerSize = 4  // in bytes, like the next three
	srSize     = headerSize + 24
	rrSize     = headerSize + 4
	blockSize  = 24
)

// Reports returns the compound packets that tell an endpoint what we sent and received: an SR for each of ours, or one
// RR if there is none, blocks spread over them, and an SDES with cname for each SSRC that reports. Each is valid by
// itself (RFC 3550, section 6.1). sender is the SSRC under which reports are made when nothing is sent.
func Reports(sender uint32, cname string, srs []rtcp.SenderReport, blocks []rtcp.ReceptionReport) [][]rtcp.Packet {
	if len(srs) > 0 {
		sender = srs[0].SSRC
	}
	var all [][]rtcp.Packet
	for len(all) == 0 || len(srs)+len(blocks) > 0 {
		c := compound{size: headerSize, cname: cname}
		for len(srs) > 0 && c.fits(srSize+c.chunkSize()) {
			sr := srs[0]
			srs = srs[1:]
			c.introduce(sr.SSRC)
			c.size += srSize
			sr.Reports, blocks = c.take(blocks)
			c.packets = append(c.packets, &sr)
		}
		if len(c.packets) == 0 { // no SR is left to begin with
			c.introduce(sender)
			c.size += rrSize
			rr := &rtcp.ReceiverReport{SSRC: sender}
			rr.Reports, blocks = c.take(blocks)
			c.packets = append(c.packets, rr)
		}
		all = append(all, append(c.packets, &c.sdes))
	}
	return all
}

// compound is one that grows.
type compound struct {
	cname   string
	size    int // of all, in bytes
	packets []rtcp.Packet
	sdes    rtcp.SourceDescription
}

func (c *compound) fits(size int) bool {
	return c.size+size <= maxCompound && len(c.sdes.Chunks) < maxBlocks
}

// chunkSize is of an SDES chunk: the SSRC, then the item and at least one zero, filled up to 32 bits.
func (c *compound) chunkSize() int { return 4 + (2+len(c.cname)+1+3)/4*4 }

// introduce says who an SSRC is.
func (c *compound) introduce(ssrc uint32) {
	c.size += c.chunkSize()
	c.sdes.Chunks = append(c.sdes.Chunks, rtcp.SourceDescriptionChunk{
		Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: c.cname}},
	})
}

// take takes the blocks that have room, and returns the others too.
func (c *compound) take(blocks []rtcp.ReceptionReport) (taken, rest []rtcp.ReceptionReport) {
	n := min(len(blocks), maxBlocks, (maxCompound-c.size)/blockSize)
	c.size += n * blockSize
	return blocks[:n:n], blocks[n:]
}

// REMB returns what tells an endpoint how much it may send, all of ssrcs together, in bits a second.
func REMB(sender uint32, bps uint64, ssrcs []uint32) rtcp.Packet {
	return &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: sender, Bitrate: float32(bps), SSRCs: ssrcs}
}

// PLI returns a request for a key frame of ssrc.
func PLI(sender, ssrc uint32) rtcp.Packet {
	return &rtcp.PictureLossIndication{SenderSSRC: sender, MediaSSRC: ssrc}
}

// NACK returns a request for packets of ssrc, which must be in ascending order.
func NACK(sender, ssrc uint32, seqs []uint16) rtcp.Packet {
	return &rtcp.TransportLayerNack{SenderSSRC: sender, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
}
