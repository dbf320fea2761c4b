package node

import (
	"context"
	"hash/fnv"
	"net/netip"
	"sync/atomic"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// Cluster reaches other nodes.
type Cluster interface {
	// Pull asks the node at a gRPC address to relay a feed to here. The line ends with ctx.
	Pull(ctx context.Context, address string, feed FeedID, here RelayEnd) (PullLine, error)
}

// PullLine is what a node that pulls a feed says to the one that has it, and hears from it. Either may be done while the
// other is.
type PullLine interface {
	Send(RelayDemand) error
	Receive() (RelayNews, error) // io.EOF when the feed has ended
	Close() error
}

// RelayLine is the other end of a PullLine. Errors are io.EOF: the other node has gone.
type RelayLine interface {
	Send(RelayNews) error
	Receive() (RelayDemand, error)
}

// RelayEnd is one side of a relay.
type RelayEnd struct {
	Relay   uint32         // what datagrams to this side are marked with
	Address netip.AddrPort // to send them to; without an address, the one that the gRPC connection has at this side
	Key     transport.RelayKey
}

// RelayDemand is all that is wanted from now on.
type RelayDemand struct {
	Streams   []RelayWanted
	Messages  bool
	Keyframes []RelayKeyframe // now
}

// RelayWanted is what is wanted of a stream.
type RelayWanted struct {
	Number uint32
	Layers uint8 // bit n for layer n
	Held   [forward.MaxLayers]RelayHeld
}

// RelayHeld is what of a layer is held already.
type RelayHeld struct{ First, Highest uint64 }

// RelayKeyframe is a request for one.
type RelayKeyframe struct{ Number, SSRC uint32 }

// RelayNews is what there is to tell of a feed. What is nil has not changed.
type RelayNews struct {
	Accepted     *RelayEnd     // at first
	Streams      []RelayStream // if Described
	Described    bool
	Message      *transport.Message
	MessagesLost bool
	MovedTo      string // the last
}

// RelayStream is a stream that a feed has.
type RelayStream struct {
	Number      uint32
	MID, Codec  string
	Layers      int
	SVC, Opaque bool
}

// relayCounters count what relays do, over all shards.
type relayCounters struct {
	in, out                atomic.Int64  // that there are
	lost, repaired, resent atomic.Uint64 // datagrams
	messagesLost           atomic.Uint64
}

// RelayStats are a node's relays: those that it pulls are inbound.
type RelayStats struct {
	Inbound, Outbound int
	Lost              uint64 // datagrams of inbound ones that did not come at once
	Repaired          uint64 // of these, came later
	Resent            uint64 // datagrams of outbound ones that were sent again
	MessagesLost      uint64 // of outbound ones, since the other node did not keep up
}

// Relays returns what relays do.
func (n *Node) Relays() RelayStats {
	c := &n.relays
	return RelayStats{
		Inbound: int(c.in.Load()), Outbound: int(c.out.Load()), Lost: c.lost.Load(), Repaired: c.repaired.Load(),
		Resent: c.resent.Load(), MessagesLost: c.messagesLost.Load(),
	}
}

// elsewhere is true of the address of another node, from which feeds can be had.
func (n *Node) elsewhere(node string) bool {
	return node != "" && node != n.cfg.Address && n.cfg.Cluster != nil
}

// home is the shard that a feed of another node is pulled to.
func (n *Node) home(feed FeedID) *shard {
	h := fnv.New32a()
	_, _ = h.Write([]byte(feed)) // never fails
	return n.shards[h.Sum32()%uint32(len(n.shards))]
}

// relayEnd is this node's side of a relay.
func (n *Node) relayEnd(r *transport.RelayReceiver, key transport.RelayKey) RelayEnd {
	port := n.cfg.RelayAddress.Port()
	if port == 0 {
		port = n.group.Port()
	}
	return RelayEnd{Relay: r.Relay(), Address: netip.AddrPortFrom(n.cfg.RelayAddress.Addr(), port), Key: key}
}
