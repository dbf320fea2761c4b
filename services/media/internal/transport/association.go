package transport

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/sctp"
)

// restartTime is what an endpoint has to agree to begin an association anew. The first try is repeated after a second.
const restartTime = 10 * time.Second

// run serves one association that the endpoint begins, until it or the connection beneath it ends.
func (c *channels) run(conn *records, p *Peer, client bool) {
	association, err := sctp.ServerWithOptions(
		sctp.WithName("peer"), sctp.WithNetConn(conn), sctp.WithLoggerFactory(quiet()), sctp.WithBlockWrite(true),
		sctp.WithMaxMessageSize(MaxMessage), sctp.WithMaxReceiveBufferSize(sctpReceiveBuffer))
	if err != nil {
		return
	}
	c.serve(association, c.queue.open(nil), p, client)
}

// restart begins anew the association that the endpoint had with another node (RFC 9260, section 5.2.4, action A), and serves it.
// Channels stay open, and what was in flight is forgotten by both sides.
func (c *channels) restart(ctx context.Context, conn *records, overflow <-chan struct{}, p *Peer, client bool) error {
	began := time.Now()
	try, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	association, err := sctp.ClientContext(try,
		sctp.WithName("peer"), sctp.WithNetConn(conn), sctp.WithLoggerFactory(quiet()), sctp.WithBlockWrite(true),
		sctp.WithMaxMessageSize(MaxMessage), sctp.WithMaxReceiveBufferSize(sctpReceiveBuffer))
	if err != nil {
		c.queue.close()
		c.forget()
		return errors.Join(err, conn.Close())
	}
	p.log.Info("data channels taken over", "took_ms", time.Since(began).Milliseconds())
	c.serve(association, overflow, p, client)
	return nil
}

func (c *channels) serve(association *sctp.Association, overflow <-chan struct{}, p *Peer, client bool) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = association.Close() }()
	defer cancel()
	defer c.queue.close()
	wg.Go(func() {
		select {
		case <-overflow:
			association.Abort("the endpoint does not keep up")
		case <-ctx.Done():
		}
	})
	used, reopened := newStreams(client), c.reopen(association)
	for _, one := range reopened {
		used.take(one.state.Stream)
		c.attend(ctx, one, p, used, &wg)
	}
	wg.Go(func() { c.send(ctx, association, used, &wg, p) })
	for {
		stream, err := association.AcceptStream()
		if err != nil {
			return
		}
		if reopened[stream] != nil { // something came before it was opened here
			continue
		}
		id := stream.StreamIdentifier()
		used.take(id)
		if !c.admit() {
			_ = stream.Close()
			used.rest(id)
			continue
		}
		wg.Go(func() {
			defer c.leave()
			defer used.rest(id)
			opened, err := datachannel.Server(stream, &datachannel.Config{LoggerFactory: quiet()})
			if err != nil {
				_ = stream.Close()
				return
			}
			one := newChannel(opened, false)
			c.enlist(one, p)
			c.receive(ctx, one, p)
		})
	}
}

// attend reads from a channel that counts already, and whose stream is taken.
func (c *channels) attend(ctx context.Context, one *channel, p *Peer, used *streams, wg *sync.WaitGroup) {
	wg.Go(func() {
		defer c.leave()
		defer used.rest(one.state.Stream)
		c.receive(ctx, one, p)
	})
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

// receive hands the messages of a channel to the worker, one at a time, so that a flood waits in SCTP's window.
func (c *channels) receive(ctx context.Context, one *channel, p *Peer) {
	defer c.retire(one, p)
	buffer := make([]byte, 2048)
	for {
		n, text, err := one.ReadDataChannel(buffer)
		if errors.Is(err, io.ErrShortBuffer) && n <= MaxMessage { // the message is still there
			buffer = make([]byte, MaxMessage)
			continue
		}
		if err != nil {
			_ = one.Close()
			return
		}
		m := Message{Label: one.Label, Text: text, Data: buffer[:n]}
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
func (c *channels) send(ctx context.Context, association *sctp.Association, used *streams, wg *sync.WaitGroup, p *Peer) {
	for {
		m, err := c.queue.next(ctx)
		if err != nil {
			return
		}
		one := c.labelled(m.Label)
		if one == nil {
			if one = c.dial(association, used, m.Label); one == nil {
				p.w.Post(func(time.Duration) { p.w.drop(DropDataNoChannel) })
				continue
			}
			c.enlist(one, p) // before the next message looks for it
			c.attend(ctx, one, p, used, wg)
		}
		// An error means that the channel or the association is gone, which its reader sees too.
		_, _ = one.WriteDataChannel(m.Data, m.Text)
	}
}

// dial opens a channel of ours, which counts then; nil if there are too many, or the association has ended.
func (c *channels) dial(association *sctp.Association, used *streams, label string) *channel {
	if !c.admit() {
		return nil
	}
	var refused []uint16
	defer func() { // not before another has been found
		for _, id := range refused {
			used.rest(id)
		}
	}()
	for {
		id, ok := used.takeFree()
		if !ok {
			break
		}
		opened, err := datachannel.Dial(association, id, &datachannel.Config{
			ChannelType: datachannel.ChannelTypeReliable, Label: label, LoggerFactory: quiet(),
		})
		if err == nil {
			return newChannel(opened, true)
		}
		refused = append(refused, id)
		if !errors.Is(err, sctp.ErrStreamClosed) { // which is so where the endpoint has not agreed to a reset yet
			break
		}
	}
	c.leave()
	return nil
}
