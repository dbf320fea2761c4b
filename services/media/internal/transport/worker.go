package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"
)

// ErrStopped means that the worker no longer runs.
var ErrStopped = errors.New("media worker stopped")

// countersEvery is how old published counters may be.
const countersEvery = 100 * time.Millisecond

// Worker owns a socket of a port, and peers. A peer is of one worker for life; datagrams that arrive on another's
// socket are handed over (see Group). Its methods may be called from its own goroutine only, but for Do, Post, Now,
// and those that tell what never changes.
type Worker struct {
	group   *Group
	index   int // in it
	log     *slog.Logger
	socket  *socket
	flushed func(now time.Duration) // ends a burst for whoever handles packets
	mail    mailbox
	wheel   wheel
	armed   time.Duration // when the wait for datagrams ends; 0 for not known
	publish *Timer        // of counters
	stun    stunAgent
	forged  failures
	rtcp    []byte // scratch
	sealed  []byte // likewise

	peers   map[string]*Peer   // by local ufrag; two entries during an ICE restart
	paths   map[path]*claim    // of these peers: where an endpoint has proved to be
	foreign map[path]*claim    // of others' peers, as far as their datagrams come here
	lanes   []*Lane[datagrams] // to the other workers by their index; nil for this one
	live    map[*Peer]struct{}
	overran []*Peer // in this burst

	turned time.Duration // when it last began to do something
	woken  func()        // see Guard; may be nil
	quiet  bool

	relays        map[uint32]*RelayReceiver // of this worker
	foreignRelays map[uint32]*Worker        // whose others are

	inbound  Counters // of this goroutine alone
	counters publishedCounters
	tasks    sync.WaitGroup // goroutines of peers
}

func newWorker(g *Group, s *socket) *Worker {
	w := &Worker{
		group: g, index: len(g.workers), log: g.log, socket: s,
		peers: map[string]*Peer{}, paths: map[path]*claim{}, foreign: map[path]*claim{}, live: map[*Peer]struct{}{},
		forged: failures{counts: map[netip.Addr]int{}},
		relays: map[uint32]*RelayReceiver{}, foreignRelays: map[uint32]*Worker{},
	}
	w.mail.wake = s.wake
	w.wheel.init(g.Now())
	w.publish = w.NewTimer(func(now time.Duration) {
		w.publishCounters()
		w.publish.Set(now + countersEvery)
	})
	return w
}

// Now is the node's clock.
func (w *Worker) Now() time.Duration { return w.group.Now() }

// run serves until ctx ends, then closes what peers are left and waits for all that they started.
func (w *Worker) run(ctx context.Context, flushed func(now time.Duration)) error {
	w.flushed = flushed
	defer w.tasks.Wait()
	defer w.drainAfterEnd()
	defer w.closeAll()
	defer context.AfterFunc(ctx, w.socket.wake)()
	clock, receive := w.turn, w.receive // made once: method values allocate
	w.publish.Set(w.Now())
	for ctx.Err() == nil {
		if !w.ready(clock, receive) {
			continue
		}
		switch err := w.socket.readBurst(clock, receive); {
		case err == nil:
			w.flush(w.Now())
		case errors.Is(err, os.ErrDeadlineExceeded): // a timer is due, or somebody wrote
			w.armed = 0
		default:
			return fmt.Errorf("read UDP: %w", err)
		}
	}
	return nil
}

// ready does what waits to be done, and reports whether it is time to wait for datagrams.
func (w *Worker) ready(clock func() time.Duration, receive receiver) bool {
	w.arm() // before mail is looked at: whoever writes later ends the wait that is set here
	mail := w.mail.take()
	now := w.turn()
	for _, f := range mail {
		f(w.Now())
	}
	if len(mail) > 0 {
		now = w.Now()
	}
	due, waits := w.wheel.due()
	isDue := waits && due <= now
	if isDue {
		w.wheel.turn(now)
	}
	if len(mail) > 0 {
		w.socket.pollBurst(clock, receive) // who pokes ends the wait for datagrams, but has no precedence
	} else if !isDue {
		return due == w.armed
	}
	w.flush(w.Now())
	return false
}

// arm has the wait for datagrams end when the wheel has to turn. There is always a timer.
func (w *Worker) arm() {
	due, _ := w.wheel.due()
	if due == w.armed {
		return
	}
	w.armed = due
	w.socket.wakeAfter(max(due-w.Now(), time.Millisecond))
}

// Post has f run soon on the worker's goroutine. False means that it never will.
func (w *Worker) Post(f func(now time.Duration)) bool { return w.mail.put(f) }

// Do runs f on the worker's goroutine and waits for it. When ctx ends first, f may still run.
func (w *Worker) Do(ctx context.Context, f func(now time.Duration)) error {
	done := make(chan struct{})
	if !w.Post(func(now time.Duration) { defer close(done); f(now) }) {
		return ErrStopped
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive takes one datagram from the worker's own socket. b is only lent.
func (w *Worker) receive(from path, b []byte, now time.Duration) {
	w.inbound.PacketsIn++
	w.inbound.BytesIn += uint64(len(b))
	w.sort(from, w, b, now)
}

// sort takes a datagram that arrived at a worker to its peer, or hands it over.
func (w *Worker) sort(from path, via *Worker, b []byte, now time.Duration) {
	k := classify(b)
	switch k {
	case kindSTUN:
		w.receiveSTUN(from, via, b, now)
		return
	case kindRelayed:
		w.receiveRelayed(from, via, b, now)
		return
	case kindUnknown:
		w.drop(DropUnknownKind)
		return
	}
	c := w.paths[from]
	if c == nil {
		if other := w.foreign[from]; other != nil && via == w {
			w.handOver(other.owner.w, from, b, now)
		} else {
			w.drop(DropUnknownPath)
		}
		return
	}
	switch p := c.owner; k {
	case kindDTLS:
		p.dtls.feed(b)
	case kindRTP:
		if p.arrived != nil {
			p.came = from
		}
		if p.receiveRTP(b, now) {
			c.used.Store(int64(now))
		}
	case kindRTCP:
		if p.receiveRTCP(b, now) {
			c.used.Store(int64(now))
		}
	}
}

// flush ends a burst.
func (w *Worker) flush(now time.Duration) {
	w.sendOff()
	if w.flushed != nil {
		w.flushed(now)
	}
	w.socket.flush()
	w.tellOverruns(now)
}

func (w *Worker) publishCounters() {
	w.counters.publish(w.inbound, w.socket.sent, w.socket.reader.failed)
}

func (w *Worker) drop(why Drop) { w.inbound.Drops[why]++ }

func (w *Worker) closeAll() {
	for p := range w.live {
		p.Close()
	}
}

// drainAfterEnd lets goroutines that wait for the worker finish, then closes the socket, on which they still say goodbye.
func (w *Worker) drainAfterEnd() {
	gone := make(chan struct{})
	go func() {
		w.tasks.Wait()
		close(gone)
	}()
	for {
		for _, f := range w.mail.take() {
			f(w.Now())
		}
		select {
		case <-gone:
			for _, f := range w.mail.close() {
				f(w.Now())
			}
			if err := w.socket.close(); err != nil {
				w.log.Warn("close UDP port", "err", err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}
