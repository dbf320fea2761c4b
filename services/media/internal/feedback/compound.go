package feedback

import "github.com/pion/rtcp"

// maxBlocks is how many report blocks an SR or RR can have: its count has five bits.
const maxBlocks = 31

// Reports returns the compound packet that tells an endpoint what we sent and received: an SR for each of ours, or one
// RR if there is none, blocks spread over them 31 to each, and an SDES with cname for each SSRC (RFC 3550, section 6.1).
// sender is the SSRC under which reports are made when nothing is sent.
func Reports(sender uint32, cname string, srs []rtcp.SenderReport, blocks []rtcp.ReceptionReport) []rtcp.Packet {
	var out []rtcp.Packet
	var ssrcs []uint32
	take := func() (taken []rtcp.ReceptionReport) {
		n := min(len(blocks), maxBlocks)
		taken, blocks = blocks[:n:n], blocks[n:]
		return taken
	}
	for i := range srs {
		sr := srs[i]
		sr.Reports = take()
		out, ssrcs = append(out, &sr), append(ssrcs, sr.SSRC)
	}
	if len(srs) == 0 {
		ssrcs = append(ssrcs, sender)
	}
	for len(out) == 0 || len(blocks) > 0 {
		out = append(out, &rtcp.ReceiverReport{SSRC: ssrcs[0], Reports: take()})
	}
	for len(ssrcs) > 0 {
		n := min(len(ssrcs), maxBlocks)
		sdes := &rtcp.SourceDescription{}
		for _, ssrc := range ssrcs[:n] {
			sdes.Chunks = append(sdes.Chunks, rtcp.SourceDescriptionChunk{
				Source: ssrc,
				Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: cname}},
			})
		}
		out, ssrcs = append(out, sdes), ssrcs[n:]
	}
	return out
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
