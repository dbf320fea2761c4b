package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/internal/report"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/endpoint"
)

const (
	endTimeout      = 5 * time.Second  // to destroy a room
	settleTime      = 2 * time.Second  // before memory or anything else is measured
	repairTime      = time.Second      // after what is measured, for what is on its way or asked for again
	keepAlive       = 20 * time.Second // sessions time out after 60 s, by default
	connectInterval = 100 * time.Millisecond
	closeAtOnce     = 16 // endpoints
)

// run is one run of the load generator.
type run struct {
	cfg       *config
	server    *endpoint.Server
	delivery  endpoint.Delivery
	lag       histogram.Histogram // of sending
	readLag   histogram.Histogram // from when the kernel had a packet until it was read
	firstWait histogram.Histogram // from a subscriber's join to its first packet
	meters    []*meter            // of the server
	load      *meter              // of this process
	senders   sync.WaitGroup      // of streams

	mu          sync.Mutex // guards what follows
	control     *endpoint.Rooms
	rooms       []*room
	subscribers []*endpoint.Subscriber
	failed      int
	problem     error // of the first that failed
}

// room is one of the server's rooms, and who sends in it. It does not change once subscribers join.
type room struct {
	id         endpoint.ID
	publishers []*endpoint.Publisher
}

func (r *room) streams() (all []*endpoint.Stream) {
	for _, p := range r.publishers {
		all = append(all, p.Streams...)
	}
	return all
}

// measure makes a run against the server. If ctx ends early, the report is about the time until then. progress gets a
// line each second.
func measure(ctx context.Context, cfg *config, processes map[string]int, progress io.Writer) (*report.Report, error) {
	r := &run{cfg: cfg, meters: newMeters(processes), load: &meter{name: "loadtest", pid: os.Getpid()}}
	server, err := endpoint.NewServer(ctx, cfg.URL, endpoint.StartClock(), endpoint.Reception{Repair: cfg.Repair, WholeRuns: cfg.WholeRuns, Late: &r.readLag})
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	r.server = server
	defer server.Close()
	if err := r.makeRooms(ctx); err != nil {
		r.leave()
		return nil, err
	}
	defer r.leave()

	// What runs beside the phases of the run goes on when ctx has ended, so that what is on its way can still come.
	var beside sync.WaitGroup
	defer beside.Wait()
	besideCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	beside.Go(func() { r.keepSessions(besideCtx) })
	beside.Go(func() { r.showProgress(besideCtx, progress) })
	defer r.senders.Wait()
	defer stop()

	if err := r.publish(ctx, besideCtx); err != nil {
		return nil, err
	}
	sleep(ctx, settleTime)
	for _, m := range r.allMeters() {
		m.read(&m.before)
	}
	r.subscribe(ctx)
	sleep(ctx, settleTime)
	return r.observe(ctx)
}

// makeRooms connects and creates the rooms.
func (r *run) makeRooms(ctx context.Context) error {
	control, err := r.connect(ctx)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.JoinTimeout)
	defer cancel()
	r.control = control
	for range r.cfg.Rooms {
		id, err := control.Create(ctx, r.cfg.Publishers)
		if err != nil {
			return err
		}
		r.rooms = append(r.rooms, &room{id: id})
	}
	return nil
}

// connect tries for as long as is set.
func (r *run) connect(ctx context.Context) (*endpoint.Rooms, error) {
	for until := time.Now().Add(r.cfg.Wait); ; {
		trying, cancel := context.WithTimeout(ctx, r.cfg.JoinTimeout)
		control, err := r.server.OpenRooms(trying, r.cfg.AdminKey)
		cancel()
		if err == nil || time.Now().After(until) || !sleep(ctx, connectInterval) {
			return control, err
		}
	}
}

// publish has the publishers join, one after another, and send until sending ends.
func (r *run) publish(ctx, sending context.Context) error {
	var next synth.StreamID
	for _, room := range r.rooms {
		for range r.cfg.Publishers {
			joining, cancel := context.WithTimeout(ctx, r.cfg.JoinTimeout)
			p, err := r.server.Publish(joining, room.id, next, r.cfg.VideoBitrate, r.cfg.Audio)
			cancel()
			if err != nil {
				return fmt.Errorf("publisher: %w", err)
			}
			next += 2
			r.mu.Lock()
			room.publishers = append(room.publishers, p)
			r.mu.Unlock()
			for _, s := range p.Streams {
				r.senders.Go(func() { s.Send(sending, r.cfg.Paced, &r.lag) })
			}
		}
	}
	return nil
}

// subscribe has the subscribers join at the rate that is set, rooms in turn, and returns when all have media or have
// failed.
func (r *run) subscribe(ctx context.Context) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / r.cfg.JoinsPerSecond))
	defer tick.Stop()
	var joins sync.WaitGroup
	defer joins.Wait()
	for range r.cfg.Subscribers {
		for _, room := range r.rooms {
			select {
			case <-tick.C:
				joins.Go(func() { r.join(ctx, room) })
			case <-ctx.Done():
				return
			}
		}
	}
}

func (r *run) join(ctx context.Context, room *room) {
	joining, cancel := context.WithTimeout(ctx, r.cfg.JoinTimeout)
	defer cancel()
	var feeds []endpoint.ID
	for _, p := range room.publishers {
		feeds = append(feeds, p.Feed)
	}
	var streams []synth.StreamID
	for _, s := range room.streams() {
		streams = append(streams, s.ID)
	}
	s, err := r.server.Subscribe(joining, room.id, feeds, streams, &r.delivery)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.subscribers = append(r.subscribers, s)
		r.firstWait.Record(s.JoinToFirstPacket())
	case ctx.Err() == nil: // else it is we who gave up
		r.failed++
		if r.problem == nil {
			r.problem = err
		}
	}
}

// keepSessions refreshes all sessions now and then.
func (r *run) keepSessions(ctx context.Context) {
	for sleep(ctx, keepAlive) {
		r.control.KeepAlive()
		r.mu.Lock()
		for _, s := range r.subscribers {
			s.KeepAlive()
		}
		for _, room := range r.rooms {
			for _, p := range room.publishers {
				p.KeepAlive()
			}
		}
		r.mu.Unlock()
	}
}

// leave takes all endpoints and rooms away. Nothing else may run any more.
func (r *run) leave() {
	var closing sync.WaitGroup
	places := make(chan struct{}, closeAtOnce)
	closeSoon := func(close func()) {
		places <- struct{}{}
		closing.Go(func() {
			close()
			<-places
		})
	}
	for _, s := range r.subscribers {
		closeSoon(s.Close)
	}
	for _, room := range r.rooms {
		for _, p := range room.publishers {
			closeSoon(p.Close)
		}
	}
	closing.Wait()
	if r.control == nil {
		return
	}
	for _, room := range r.rooms {
		ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
		if err := r.control.Destroy(ctx, room.id); err != nil {
			fmt.Fprintln(os.Stderr, "loadtest:", err)
		}
		cancel()
	}
	r.control.Close()
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
