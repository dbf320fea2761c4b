package node

import "sync/atomic"

// streamCounters are of all shards.
type streamCounters struct{ in, out atomic.Int64 }

// streamCount is how many of a peer's streams are in those.
type streamCount struct{ in, out int64 }

// Streams are how many streams endpoints send, one for each m= section whatever its layers, and how many go to endpoints: of
// PeerConnections that are up, as of the last second.
func (n *Node) Streams() (in, out int64) { return n.streams.in.Load(), n.streams.out.Load() }

// countStreams sees how many there are now.
func (p *peer) countStreams() {
	var now streamCount
	for _, in := range p.publishing.streams {
		if in != nil {
			now.in++
		}
	}
	for _, out := range p.subscribing.legs {
		if out.leg.Source() != nil {
			now.out++
		}
	}
	p.setStreams(now)
}

func (p *peer) setStreams(now streamCount) {
	p.node.streams.in.Add(now.in - p.streams.in)
	p.node.streams.out.Add(now.out - p.streams.out)
	p.streams = now
}
