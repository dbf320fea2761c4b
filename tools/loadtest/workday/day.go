package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/internal/procfs"
	"github.com/cardea-rtc/cardea/tools/internal/report"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/endpoint"
)

const (
	tick       = 100 * time.Millisecond // between looks at how many people there should be
	comeAtOnce = 16                     // people; more wait for their turn, since it is we who are too slow then
	keepAlive  = 20 * time.Second       // sessions time out after a minute
	closing    = 10 * time.Second       // to destroy a room
	lines      = 48                     // of progress: one each quarter of an hour of the day's clock
)

// How long people stay, in hours of the day's clock, but no less than leastStay.
const (
	shortStay, longStay = 0.3, 1.5
	leastStay           = 3 * time.Second
)

// day is a day that is played to a cluster.
type day struct {
	cfg      *config
	clock    clock
	servers  []*endpoint.Server // one for each edge
	control  *endpoint.Rooms
	account  *account
	delivery endpoint.Delivery
	lag      histogram.Histogram // of sending
	draw     *rand.Rand          // of the loop that has people come and go

	turns chan struct{} // to come
	going sync.WaitGroup

	mu     sync.Mutex // guards what follows
	town   *town
	people []*person // who come or are there; who leaves is taken out
	next   synth.StreamID
}

// play plays the day, until it is over or ctx ends, and has all leave.
func play(ctx context.Context, cfg *config, c *cluster.Cluster, progress io.Writer) (_ *outcome, err error) {
	d := &day{
		cfg: cfg, clock: clock{cfg.Duration}, draw: rand.New(rand.NewPCG(cfg.Seed, 7)), turns: make(chan struct{}, comeAtOnce),
		town: newTown(cfg.People), account: newAccount(c),
	}
	at := endpoint.StartClock()
	for _, edge := range c.Edges {
		s, err := endpoint.NewServer(ctx, edge.URL, at, endpoint.Reception{Repair: true, Late: new(histogram.Histogram)})
		if err != nil {
			return nil, err
		}
		defer s.Close()
		d.servers = append(d.servers, s)
	}
	if d.control, err = d.servers[0].OpenRooms(ctx, ""); err != nil {
		return nil, err
	}
	defer d.control.Close()

	overflowed := procfs.UDPOverflows()
	var beside sync.WaitGroup
	besideCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	beside.Go(func() { d.keepSessions(besideCtx) })
	beside.Go(func() { d.measure(besideCtx, progress) })
	d.live(ctx)
	d.account.over(d.hearings())
	for _, p := range d.everybody() {
		d.leave(p)
	}
	d.going.Wait()
	stop()
	beside.Wait()
	return d.account.sum(cfg, report.TimesOf(&d.lag), procfs.UDPOverflows()-overflowed), nil
}

// live has people come and go by the curve.
func (d *day) live(ctx context.Context) {
	began := time.Now()
	d.account.begin(began)
	phase := 0
	for sleep(ctx, tick) {
		hour := d.clock.hour(time.Since(began))
		if hour >= closes {
			return
		}
		if now := phaseAt(hour); now != phase {
			phase = now
			d.account.enter(phase, d.hearings())
		}
		d.step(ctx, wanted(hour, d.cfg.People))
	}
	d.account.interrupted()
}

// step has people whose time is over leave, and others come or leave until there are as many as are wanted.
func (d *day) step(ctx context.Context, want int) {
	now := time.Now()
	all := d.everybody()
	for i := 0; i < len(all); i++ {
		if now.After(all[i].until) {
			d.leave(all[i])
			all = slices.Delete(all, i, i+1)
			i--
		}
	}
	for len(all) > want {
		i := d.draw.IntN(len(all))
		d.leave(all[i])
		all = slices.Delete(all, i, i+1)
	}
	for n := len(all); n < want; n++ {
		d.come(ctx)
	}
	d.account.people(want, d.town)
}

// come begins a person's life.
func (d *day) come(ctx context.Context) {
	stay := max(d.clock.hours(shortStay+d.draw.Float64()*(longStay-shortStay)), leastStay)
	p := &person{day: d, server: d.servers[d.draw.IntN(len(d.servers))], until: time.Now().Add(stay), arrived: make(chan struct{})}
	d.mu.Lock()
	p.room, p.speaks = d.town.place(d.draw)
	d.people = append(d.people, p)
	d.mu.Unlock()
	d.going.Go(func() {
		d.turns <- struct{}{}
		defer func() { <-d.turns }()
		began := time.Now()
		err := p.arrive(context.WithoutCancel(ctx))
		d.account.came(time.Since(began), err)
	})
}

// leave ends a person's life.
func (d *day) leave(p *person) {
	d.mu.Lock()
	d.people = slices.DeleteFunc(d.people, func(other *person) bool { return other == p })
	d.mu.Unlock()
	d.going.Go(p.leave)
}

func (d *day) everybody() []*person {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.people)
}

// streams returns numbers for a person's streams.
func (d *day) streams() synth.StreamID {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next += 2
	return d.next
}

// enter has a person hear of further feeds, and others of its own. It returns the feeds that are there already: each who speaks
// is heard by each other exactly once.
func (d *day) enter(p *person) []*feed {
	d.mu.Lock()
	defer d.mu.Unlock()
	there := slices.Clone(p.room.feeds)
	if p.feed != nil {
		for _, other := range p.room.present {
			other.coming.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), d.cfg.JoinTimeout)
				defer cancel()
				if err := other.hear(ctx, []*feed{p.feed}); err != nil {
					d.account.trouble(fmt.Errorf("subscribe to who came later: %w", err))
				}
			})
		}
		p.room.feeds = append(p.room.feeds, p.feed)
	}
	p.room.present = append(p.room.present, p)
	return there
}

// exit takes a person and its feed off the room, and returns the others there.
func (d *day) exit(p *person) []*person {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.leaving = true
	p.room.present = slices.DeleteFunc(p.room.present, func(other *person) bool { return other == p })
	p.room.feeds = slices.DeleteFunc(p.room.feeds, func(f *feed) bool { return f == p.feed })
	return slices.Clone(p.room.present)
}

// take takes away those of a person's hearings that are chosen.
func (d *day) take(p *person, chosen func(*hearing) bool) (taken []*hearing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.hears = slices.DeleteFunc(p.hears, func(h *hearing) bool {
		if chosen(h) {
			taken = append(taken, h)
			return true
		}
		return false
	})
	return taken
}

// end ends a hearing, when what was sent until now has had time to come.
func (d *day) end(h *hearing) {
	to := h.sent()
	time.Sleep(onItsWay)
	d.account.count(d.account.now(), h, to)
	if err := h.subscriber.Lost(); err != nil {
		d.account.trouble(fmt.Errorf("a subscriber was given up: %w", err))
	}
	h.subscriber.Close()
}

// vacate gives a person's place back, and destroys the room if it was the last.
func (d *day) vacate(p *person) {
	d.mu.Lock()
	over := d.town.leave(p.room, p.speaks)
	d.mu.Unlock()
	if !over || p.room.id == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := d.control.Destroy(ctx, p.room.id); err != nil {
		d.account.trouble(fmt.Errorf("destroy: %w", err))
	}
}

// hearings are all that there are.
func (d *day) hearings() (all []*hearing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.people {
		all = append(all, p.hears...)
	}
	return all
}

func (d *day) keepSessions(ctx context.Context) {
	for sleep(ctx, keepAlive) {
		d.control.KeepAlive()
		d.mu.Lock()
		for _, p := range d.people {
			p.keepAlive()
		}
		d.mu.Unlock()
	}
}

// sleep reports whether d has passed; otherwise ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
