package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/endpoint"
)

// onItsWay is how long packets that have been sent are waited for, and those that are asked for again.
const onItsWay = 700 * time.Millisecond

// feed is what one person sends.
type feed struct {
	publisher *endpoint.Publisher
	gone      chan struct{} // closed when it is about to end
}

func (f *feed) left() bool {
	select {
	case <-f.gone:
		return true
	default:
		return false
	}
}

// person is in one room: it hears all who speak there and, unless it only listens, speaks.
type person struct {
	day    *day
	server *endpoint.Server
	room   *room
	speaks bool
	until  time.Time // when it leaves, if not before

	arrived chan struct{}      // closed when it is there, or could not come
	feed    *feed              // nil of who only listens; fixed once arrived
	stop    context.CancelFunc // of sending
	sending sync.WaitGroup

	leaving bool           // guarded by the day's mu, as what follows
	hears   []*hearing     //
	coming  sync.WaitGroup // hearings that begin; none is added once leaving
}

// arrive returns when media flows, or with the reason why not.
func (p *person) arrive(ctx context.Context) error {
	defer close(p.arrived)
	ctx, cancel := context.WithTimeout(ctx, p.day.cfg.JoinTimeout)
	defer cancel()
	room, err := p.room.open(ctx, p.day.control)
	if err != nil {
		return fmt.Errorf("open a room: %w", err)
	}
	if p.speaks {
		if err := p.speak(ctx, room); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	if err := p.hear(ctx, p.day.enter(p)); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

func (p *person) speak(ctx context.Context, room endpoint.ID) error {
	publisher, err := p.server.Publish(ctx, room, p.day.streams(), p.day.cfg.VideoBitrate, true)
	if err != nil {
		return err
	}
	sending, stop := context.WithCancel(context.Background())
	for _, s := range publisher.Streams {
		p.sending.Go(func() { s.Send(sending, true, &p.day.lag) })
	}
	p.stop, p.feed = stop, &feed{publisher, make(chan struct{})}
	return nil
}

// hear subscribes to feeds over one PeerConnection, and returns when media has come. Feeds that end meanwhile are left out.
func (p *person) hear(ctx context.Context, feeds []*feed) error {
	for {
		var there []*feed
		for _, f := range feeds {
			if !f.left() {
				there = append(there, f)
			}
		}
		if len(there) == 0 {
			return nil
		}
		h, err := p.subscribe(ctx, there)
		switch {
		case err == nil:
			p.keep(h)
			return nil
		case !errors.Is(err, errLeft):
			return err
		}
		feeds = there
	}
}

// errLeft means that a feed has ended while it was subscribed to, by which that came to nothing.
var errLeft = errors.New("a feed has ended")

func (p *person) subscribe(ctx context.Context, feeds []*feed) (*hearing, error) {
	trying, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var ids []endpoint.ID
	var streams []synth.StreamID
	h := &hearing{feeds: feeds, from: map[synth.StreamID]uint32{}}
	for _, f := range feeds {
		ids = append(ids, f.publisher.Feed)
		for _, s := range f.publisher.Streams {
			streams = append(streams, s.ID)
		}
		go func() {
			select {
			case <-f.gone:
				giveUp(errLeft)
			case <-trying.Done():
			}
		}()
	}
	var err error
	if h.subscriber, err = p.server.Subscribe(trying, p.room.id, ids, streams, &p.day.delivery); err != nil {
		for _, f := range feeds {
			if f.left() {
				return nil, errLeft
			}
		}
		return nil, err
	}
	for id, sent := range h.sent() {
		h.from[id] = sent
	}
	p.day.account.heard(h.subscriber.JoinToFirstPacket())
	return h, nil
}

// keep has the hearing end with the person, or with its feeds, which may have ended just now.
func (p *person) keep(h *hearing) {
	p.day.mu.Lock()
	over := h.over()
	if !over {
		p.hears = append(p.hears, h)
	}
	p.day.mu.Unlock()
	if over {
		p.day.end(h)
	}
}

// leave ends everything, in good order: whoever heard this person stops to before it is gone.
func (p *person) leave() {
	<-p.arrived
	listeners := p.day.exit(p)
	if p.feed != nil {
		close(p.feed.gone)
		p.stop()
		p.sending.Wait()
	}
	p.coming.Wait()
	var ending sync.WaitGroup
	for _, l := range listeners {
		for _, h := range p.day.take(l, (*hearing).over) {
			ending.Go(func() { p.day.end(h) })
		}
	}
	for _, h := range p.day.take(p, func(*hearing) bool { return true }) {
		ending.Go(func() { p.day.end(h) })
	}
	ending.Wait()
	if p.feed != nil {
		if err := p.feed.publisher.Lost(); err != nil {
			p.day.account.trouble(fmt.Errorf("a publisher was given up: %w", err))
		}
		p.feed.publisher.Close()
	}
	p.day.vacate(p)
}

// keepAlive refreshes the sessions of a person. The day's mu is held.
func (p *person) keepAlive() {
	select {
	case <-p.arrived:
	default:
		return
	}
	if p.feed != nil {
		p.feed.publisher.KeepAlive()
	}
	for _, h := range p.hears {
		h.subscriber.KeepAlive()
	}
}
