package transport

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/sctp"
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

	mu      sync.Mutex
	byLabel map[string]*datachannel.DataChannel // the newest of each label
	count   int
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
	return &channels{queue: newOutbox(), byLabel: map[string]*datachannel.DataChannel{}}
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

// run serves one association, until it or the connection beneath it ends.
func (c *channels) run(conn *records, p *Peer, client bool) {
	association, err := sctp.ServerWithOptions(
		sctp.WithName("peer"), sctp.WithNetConn(conn), sctp.WithLoggerFactory(quiet()), sctp.WithBlockWrite(true),
		sctp.WithMaxMessageSize(MaxMessage), sctp.WithMaxReceiveBufferSize(sctpReceiveBuffer))
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = association.Close() }()
	defer cancel()
	overflow := c.queue.open()
	defer c.queue.close()
	wg.Go(func() {
		select {
		case <-overflow:
			association.Abort("the endpoint does not keep up")
		case <-ctx.Done():
		}
	})
	wg.Go(func() { c.send(ctx, association, &wg, p, client) })
	for {
		stream, err := association.AcceptStream()
		if err != nil {
			return
		}
		if !c.admit() {
			_ = stream.Close()
			continue
		}
		wg.Go(func() {
			defer c.leave()
			channel, err := datachannel.Server(stream, &datachannel.Config{LoggerFactory: quiet()})
			if err != nil {
				_ = stream.Close()
				return
			}
			c.enlist(channel)
			c.receive(ctx, channel, p)
		})
	}
}

func (c *channels) admit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == maxChannels {
		return false
	}
	c.count++
	return true
}

func (c *channels) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count--
}

// enlist makes a channel the newest of its label.
func (c *channels) enlist(channel *datachannel.DataChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byLabel[channel.Label] = channel
}

func (c *channels) retire(channel *datachannel.DataChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byLabel[channel.Label] == channel {
		delete(c.byLabel, channel.Label)
	}
}

// receive hands the messages of a channel to the worker, one at a time, so that a flood waits in SCTP's window.
func (c *channels) receive(ctx context.Context, channel *datachannel.DataChannel, p *Peer) {
	defer c.retire(channel)
	buffer := make([]byte, 2048)
	for {
		n, text, err := channel.ReadDataChannel(buffer)
		if errors.Is(err, io.ErrShortBuffer) && n <= MaxMessage { // the message is still there
			buffer = make([]byte, MaxMessage)
			continue
		}
		if err != nil {
			_ = channel.Close()
			return
		}
		m := Message{Label: channel.Label, Text: text, Data: buffer[:n]}
		if p.w.Do(ctx, func(now time.Duration) { p.receiveData(m, now) }) != nil {
			return
		}
	}
}

func (p *Peer) receiveData(m Message, now time.Duration) {
	if !p.closed {
		p.handler.Data(m, now)
	}
}

// send writes what is queued. A write waits for the endpoint, and is given up when the queue overflows meanwhile.
func (c *channels) send(ctx context.Context, association *sctp.Association, wg *sync.WaitGroup, p *Peer, client bool) {
	// The DTLS client's channels have even numbers, the server's odd ones (RFC 8832, section 6).
	var next uint16 = 1
	if client {
		next = 0
	}
	for {
		m, err := c.queue.next(ctx)
		if err != nil {
			return
		}
		channel := c.labelled(m.Label)
		if channel == nil {
			if !c.admit() {
				continue
			}
			opened, err := datachannel.Dial(association, next, &datachannel.Config{
				ChannelType: datachannel.ChannelTypeReliable, Label: m.Label, LoggerFactory: quiet(),
			})
			if err != nil {
				c.leave()
				continue
			}
			next += 2
			channel = opened
			c.enlist(opened) // before the next message looks for it
			wg.Go(func() {
				defer c.leave()
				c.receive(ctx, opened, p)
			})
		}
		// An error means that the channel or the association is gone, which its reader sees too.
		_, _ = channel.WriteDataChannel(m.Data, m.Text)
	}
}

func (c *channels) labelled(label string) *datachannel.DataChannel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byLabel[label]
}

// records is a DTLS connection as SCTP sees it: closing it ends the association, and leaves DTLS alone.
type records struct {
	*dtls.Conn
	first []byte // read before SCTP was there

	received, sent *dataCounters
}

func (r *records) Read(b []byte) (int, error) {
	if r.first != nil {
		n := copy(b, r.first)
		r.first = nil
		r.received.add(n)
		return n, nil
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

func (r *records) Close() error { return r.SetDeadline(time.Unix(1, 0)) }
