package feedback

import (
	"time"

	"github.com/pion/rtcp"
)

// Reports returns the compound packet that tells an endpoint what we sent and received: an SR for each of ours, or one
// RR if there is none, blocks spread over them 31 to each, and an SDES with cname for each SSRC (RFC 3550, section 6.1).
// sender is the SSRC under which reports are made when nothing is sent.
func Reports(sender uint32, cname string, srs []rtcp.SenderReport, blocks []rtcp.ReceptionReport) []rtcp.Packet {
	return nil
}

// REMB returns what tells an endpoint how much it may send, all of ssrcs together, in bits a second.
func REMB(sender uint32, bps uint64, ssrcs []uint32) rtcp.Packet { return nil }

// PLI returns a request for a key frame of ssrc.
func PLI(sender, ssrc uint32) rtcp.Packet { return nil }

// NACK returns a request for packets of ssrc, which must be in ascending order.
func NACK(sender, ssrc uint32, seqs []uint16) rtcp.Packet { return nil }

// Cap decides when a publisher is told its bitrate cap by REMB, as Janus does: with the first four video packets, as
// a ramp of a fourth, a third, a half and the whole; then every 5 s; and at once when it changes.
type Cap struct{}

// Set sets the cap in bits a second, 0 for none.
func (c *Cap) Set(bps uint64) {}

// OnPacket is called with each video packet that arrives, and says whether a REMB of bps is to be sent now. A cap
// taken away is told once, as a REMB of 0.
func (c *Cap) OnPacket(now time.Duration) (bps uint64, send bool) { return 0, false }
