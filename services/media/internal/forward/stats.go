package forward

import "time"

// LayerStats counts what happened on one layer since the stream was made.
type LayerStats struct {
	SSRC       uint32 // the latest; 0 before the first packet
	Packets    uint64
	Bytes      uint64 // of payload
	Lost       uint64 // seen to be missing; those that came later are in Recovered too
	Recovered  uint64 // arrived late, or sent again
	Duplicates uint64
	TooLate    uint64 // older than the ring
	Malformed  uint64 // RED that contradicts itself
	Restored   uint64 // lost, and found in the redundancy of later ones
	NACKs      uint64 // packets asked for, each time
	PLIs       uint64
	Keyframes  uint64
	Jitter     time.Duration // RFC 3550, section 6.4.1
	LastPacket time.Duration // node's clock; 0 before the first packet
	Receiving  bool
}

// Stats returns the counters of a layer.
func (s *Stream) Stats(layer int) LayerStats {
	y := &s.layers[layer]
	stats := y.stats
	stats.Jitter = time.Duration(y.reception.jitter * float64(time.Second) / float64(s.cfg.Codec.ClockRate()))
	return stats
}

// Drop is why a packet did not go out.
type Drop uint8

// The reasons.
const (
	DropNotFlowing Drop = iota // paused, not ready, or the publisher's relay is off
	DropOtherLayer             // of a simulcast layer not chosen
	DropNoKeyframe             // waiting for a key frame to start at
	DropTemporal               // above the temporal layer chosen
	DropSpatial                // above the spatial layer chosen
	DropEmpty                  // padding only
	DropLate                   // too late to have a place in what was sent
	DropUnparsable             // a payload that contradicts its format
	DropOversized              // would be longer than packet.MaxSize when rewritten
	DropQuiet                  // of a speaker while others are louder
	drops
)

// Drops is how many reasons there are.
const Drops = int(drops)

var dropNames = [Drops]string{
	"not_flowing", "other_layer", "no_keyframe", "temporal", "spatial", "empty", "late", "unparsable", "oversized", "quiet",
}

func (d Drop) String() string { return dropNames[d] }

// LegStats counts what happened on a leg since it was made.
type LegStats struct {
	Packets       uint64 // sent, without retransmissions
	Bytes         uint64 // of payload, likewise
	Retransmitted uint64
	Padding       uint64 // packets that only find out what the connection takes
	NACKs         uint64 // packets asked for, each time
	NACKMisses    uint64 // asked for, and not held or not known
	NACKOverspent uint64 // asked for, and beyond the budget
	PLIs          uint64
	Overruns      uint64        // bursts of which something was dropped on its way out
	Lost          uint64        // by the subscriber's reports; grows only
	FractionLost  uint8         // of the last report, 1/256
	Jitter        time.Duration // of the last report
	RTT           time.Duration // of the last report that had one
	Dropped       [Drops]uint64
	Substream     int // relayed now; -1 for none yet
	Temporal      int // likewise
}

// Stats returns the counters.
func (l *Leg) Stats() LegStats {
	stats := l.stats
	stats.Substream, stats.Temporal = l.choice.current, l.choice.toldTemporal
	return stats
}
