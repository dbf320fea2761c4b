package transport

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
)

const (
	// MaxMessage is the largest message of a data channel, in bytes: what endpoints assume when SDP says nothing
	// (RFC 8841, section 6).
	MaxMessage = 64 << 10

	maxChannels       = 64      // of one peer
	sctpReceiveBuffer = 1 << 20 // bytes
)

// Message is one message of a data channel.
type Message struct {
	Label string // of its channel
	Text  bool   // else binary
	Data  []byte
}

// channels are the data channels of one peer.
type channels struct {
	allowed atomic.Bool // by SDP
	queue   *outbox     // to be sent

	received, sent dataCounters

	mu    sync.Mutex
	all   []*channel // that are open, oldest first
	count int
}

// DataTraffic is what a peer's data channels have received and sent: SCTP packets, and their bytes.
type DataTraffic struct {
	PacketsReceived, BytesReceived, PacketsSent, BytesSent uint64
}

// dataCounters are of one direction.
type dataCounters struct{ packets, bytes atomic.Uint64 }

func (c *dataCounters) add(bytes int) {
	c.packets.Add(1)
	c.bytes.Add(uint64(bytes))
}

// DataTraffic is of all the peer's associations. It may be called on any goroutine.
func (p *Peer) DataTraffic() DataTraffic {
	c := p.dtls.channels
	return DataTraffic{
		PacketsReceived: c.received.packets.Load(), BytesReceived: c.received.bytes.Load(),
		PacketsSent: c.sent.packets.Load(), BytesSent: c.sent.bytes.Load(),
	}
}

func newChannels() *channels {
	return &channels{queue: newOutbox()}
}

// SendData queues m, on the channel that has its label or a new one. m.Data is kept. Before the association is up,
// messages are dropped. Channels are reliable, so when the endpoint does not keep up, nothing is left out: its
// association ends.
func (p *Peer) SendData(m Message) {
	switch p.dtls.channels.queue.put(m) {
	case queued:
	case notOpen:
		p.w.drop(DropNotReady)
	case overflowed:
		p.w.drop(DropDataQueueFull)
		p.log.Warn("data channels do not keep up: association ended")
	}
}

// EndData ends the association, if there is one, since a message for it has been lost on its way here.
func (p *Peer) EndData() {
	if p.dtls.channels.queue.abandon() {
		p.w.drop(DropDataQueueFull)
		p.log.Warn("data channels are ended: a message was lost")
	}
}

// quiet drops what pion logs: endpoints decide how much that is.
func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

// records is a DTLS connection as SCTP sees it: closing it ends the association, and leaves DTLS alone.
type records struct {
	*dtls.Conn
	first []byte      // read before SCTP was there
	ended atomic.Bool // by SCTP, which may try again

	received, sent *dataCounters
}

func (r *records) Read(b []byte) (int, error) {
	if r.first != nil {
		n := copy(b, r.first)
		r.first = nil
		r.received.add(n)
		return n, nil
	}
	if r.ended.Load() {
		return 0, io.EOF
	}
	n, err := r.Conn.Read(b)
	if err == nil {
		r.received.add(n)
	}
	return n, err
}

func (r *records) Write(b []byte) (int, error) {
	n, err := r.Conn.Write(b)
	if err == nil {
		r.sent.add(n)
	}
	return n, err
}

func (r *records) Close() error {
	r.ended.Store(true)
	return r.SetDeadline(time.Unix(1, 0))
}
