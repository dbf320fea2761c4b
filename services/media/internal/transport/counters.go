package transport

import "sync"

// Drop is why a packet was not passed on.
type Drop uint8

// The reasons.
const (
	DropUnknownKind    Drop = iota // none of the protocols of this port
	DropUnknownPath                // no peer has proved to be there
	DropBadSTUN                    // malformed, wrong credentials, or too many
	DropTooLarge                   // a datagram above maxDatagram
	DropNotReady                   // media before the keys for it
	DropNotAuthentic               // SRTP says so
	DropReplayed                   // seen before, or too old to tell
	DropTooManySSRCs               // of one peer
	DropDTLSQueueFull              // a handshake or a data channel does not keep up
	DropTCPQueueFull               // an ICE-TCP connection does not keep up
	DropSendFailed                 // the socket refused it
	DropDataQueueFull              // a data channel does not keep up
	DropDataNoChannel              // no data channel could be opened for a message
	DropPathTaken                  // a check on a path that another peer uses
	DropReadFailed                 // the socket could not be read: how many that cost is not known
	DropHandOverFull               // the worker whose it is does not keep up
	DropSocketFull                 // the socket's buffer is full
	DropOverrun                    // came behind one that was dropped for tcp_queue_full or socket_full, in the same burst
	DropRelayUnknown               // between nodes: of a relay that is not there
	DropRelayNotReady              // likewise: before the key for it
	DropRelayForged                // likewise: not authentic
	DropRelayReplayed              // likewise: seen before, or too old to tell
	DropRelayMalformed             // likewise: makes no sense
	DropRelayTooLarge              // to another node: a packet above maxRelayed
	DropBeyondBound                // an index that another node may use, which goes on from a kept value
	DropFenced                     // while it is asked whether another node has the peers since this process was stopped
	dropReasons
)

var dropNames = [dropReasons]string{
	"unknown_kind", "unknown_path", "bad_stun", "too_large", "not_ready", "not_authentic", "replayed", "too_many_ssrcs",
	"dtls_queue_full", "tcp_queue_full", "send_failed", "data_queue_full", "data_no_channel", "path_taken",
	"read_failed", "hand_over_full", "socket_full", "overrun", "relay_unknown", "relay_not_ready", "relay_forged", "relay_replayed",
	"relay_malformed", "relay_too_large", "beyond_bound", "fenced",
}

func (d Drop) String() string { return dropNames[d] }

// Counters count what passed a worker since it began.
type Counters struct {
	PacketsIn, BytesIn   uint64
	PacketsOut, BytesOut uint64 // of media; handshakes are not counted
	SendCalls            uint64 // system calls that these took
	HandedOver           uint64 // datagrams that arrived on another worker's socket

	// Between nodes; these are among the above, too.
	RelayedIn, RelayedBytesIn   uint64
	RelayedOut, RelayedBytesOut uint64

	Drops [dropReasons]uint64
}

func (c *Counters) add(other Counters) {
	c.PacketsIn += other.PacketsIn
	c.BytesIn += other.BytesIn
	c.PacketsOut += other.PacketsOut
	c.BytesOut += other.BytesOut
	c.SendCalls += other.SendCalls
	c.HandedOver += other.HandedOver
	c.RelayedIn += other.RelayedIn
	c.RelayedBytesIn += other.RelayedBytesIn
	c.RelayedOut += other.RelayedOut
	c.RelayedBytesOut += other.RelayedBytesOut
	for why, n := range other.Drops {
		c.Drops[why] += n
	}
}

// publishedCounters are a copy for others, renewed now and then.
type publishedCounters struct {
	mu   sync.Mutex
	last Counters
}

func (c *publishedCounters) publish(in Counters, out sent, readsFailed uint64) {
	in.PacketsOut, in.BytesOut, in.SendCalls = out.packets, out.bytes, out.calls
	in.Drops[DropSendFailed] += out.failed
	in.Drops[DropSocketFull] += out.full
	in.Drops[DropTooLarge] += out.truncated
	in.Drops[DropReadFailed] += readsFailed
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = in
}

func (c *publishedCounters) load() Counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
