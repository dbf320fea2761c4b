package transport

import "sync"

// Drop is why a packet was not passed on.
type Drop uint8

// The reasons.
const (
	DropUnknownKind   Drop = iota // none of the protocols of this port
	DropUnknownPath               // no peer has proved to be there
	DropBadSTUN                   // malformed, wrong credentials, or too many
	DropTooLarge                  // a datagram above maxDatagram
	DropNotReady                  // media before the keys for it
	DropNotAuthentic              // SRTP says so
	DropReplayed                  // seen before, or too old to tell
	DropTooManySSRCs              // of one peer
	DropDTLSQueueFull             // a handshake or a data channel does not keep up
	DropTCPQueueFull              // an ICE-TCP connection does not keep up
	DropSendFailed                // the socket refused it
	DropDataQueueFull             // a data channel does not keep up
	DropPathTaken                 // a check on a path that another peer uses
	DropReadFailed                // the socket could not be read: how many that cost is not known
	dropReasons
)

var dropNames = [dropReasons]string{
	"unknown_kind", "unknown_path", "bad_stun", "too_large", "not_ready", "not_authentic", "replayed", "too_many_ssrcs",
	"dtls_queue_full", "tcp_queue_full", "send_failed", "data_queue_full", "path_taken", "read_failed",
}

func (d Drop) String() string { return dropNames[d] }

// Counters count what passed a worker since it began.
type Counters struct {
	PacketsIn, BytesIn   uint64
	PacketsOut, BytesOut uint64 // of media; handshakes are not counted
	SendCalls            uint64 // system calls that these took
	Drops                [dropReasons]uint64
}

// publishedCounters are a copy for others, renewed each tick.
type publishedCounters struct {
	mu   sync.Mutex
	last Counters
}

func (c *publishedCounters) publish(in Counters, out sent, readsFailed uint64) {
	in.PacketsOut, in.BytesOut, in.SendCalls = out.packets, out.bytes, out.calls
	in.Drops[DropSendFailed] += out.failed
	in.Drops[DropTooLarge] += out.truncated
	in.Drops[DropReadFailed] += readsFailed
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = in
}

// Counters may be called from anywhere. What it returns is at most a tick old.
func (w *Worker) Counters() Counters {
	w.counters.mu.Lock()
	defer w.counters.mu.Unlock()
	return w.counters.last
}
