package simulation

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// edges is how many edges clients are at.
const edges = 10

type config struct {
	sessions, rooms, nodes int
	seed                   uint64
	redis                  string
	elapsed                func() time.Duration // real time
	say                    func(format string, args ...any)
}

// world is all that there is. Only one goroutine changes it, and lets others run when it waits.
type world struct {
	t     testing.TB
	ctx   context.Context
	cfg   config
	rng   *rand.Rand
	began time.Time
	rdb   *redis.Client
	store *store.Store

	replicas []*replica
	holder   [bus.Shards]int      // of a shard, by its lease
	former   [bus.Shards]*replica // whom its commands still come to; nil for nobody
	subjects map[string]int       // shards, by the subject of their commands
	nodes    map[string]*node     // by id
	born     []*node              // in order
	clients  []*client            // that are there
	everyone []*client            // that were there, too
	sessions map[uint64]*client   // by session
	rooms    []map[int]*client    // those who have joined, by index

	queue     schedule
	tasks     []owedTask
	published []*busv1.Event
	gate      gate

	mu      sync.Mutex // of nodes, which burials ask as well
	burials sync.WaitGroup
	counts  counts
}

type owedTask struct {
	by   *replica
	task store.OwedTask
}

func newWorld(t testing.TB, cfg config) *world {
	o, err := redis.ParseURL(cfg.redis)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(cfg.redis)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, ctx: context.Background(), cfg: cfg, rng: rand.New(rand.NewPCG(cfg.seed, 1)), began: time.Now(),
		rdb: redis.NewClient(o), store: st,
		subjects: map[string]int{}, nodes: map[string]*node{}, sessions: map[uint64]*client{},
	}
	if n, err := w.rdb.DBSize(w.ctx).Result(); err != nil || n > 0 {
		t.Fatalf("Redis at %s is not empty: %d keys, %v", cfg.redis, n, err)
	}
	w.gate.requests = make(chan gated)
	for i := range bus.Shards {
		w.subjects[bus.RoomCommands(i)] = i
	}
	log := slog.New(slog.DiscardHandler)
	rules := videoroom.New(videoroom.Config{})
	for i := range 2 {
		w.replicas = append(w.replicas, newReplica(w, i, rules, log))
	}
	for range cfg.nodes {
		w.newNode()
	}
	w.every(time.Second, func() {
		for _, r := range w.replicas {
			w.insist("sweep sessions", func() error { return r.sessions.EndDue(w.ctx, time.Now()) })
			w.insist("read tasks", func() error {
				left, more, err := w.store.Tasks(w.ctx, time.Now())
				w.owe(r, left)
				for more && err == nil {
					left, more, err = w.store.Tasks(w.ctx, time.Now())
					w.owe(r, left)
				}
				return err
			})
		}
	})
	for i, r := range w.replicas {
		w.after(time.Duration(i)*time.Second, func() {
			w.every(4*time.Second, func() { r.relief.Pass(w.ctx, time.Now()) })
		})
	}
	return w
}

func (w *world) close() {
	w.settleBurials()
	_ = w.store.Close()
	_ = w.rdb.Close()
}

// insist does something that fails if Redis takes too long in real time, as on a busy machine, until it does not.
func (w *world) insist(what string, do func() error) {
	err := do()
	for try := 0; errors.Is(err, store.ErrAway) && try < 20; try++ {
		w.counts.Away++
		err = do()
	}
	if err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
}

func (w *world) owe(r *replica, tasks []store.OwedTask) {
	for _, t := range tasks {
		w.tasks = append(w.tasks, owedTask{r, t})
	}
}

// run has time pass.
func (w *world) run(what string, d time.Duration) {
	until := time.Now().Add(d)
	told := time.Time{}
	for len(w.queue) > 0 && !w.queue[0].at.After(until) {
		next, _ := heap.Pop(&w.queue).(event)
		time.Sleep(time.Until(next.at))
		next.do()
		w.settle()
		if now := time.Now(); w.cfg.say != nil && now.Sub(told) > 30*time.Second {
			told = now
			w.cfg.say("%v %s: %d clients, %d commands", now.Sub(w.began).Round(time.Second), what, len(w.clients), w.counts.Commands)
		}
	}
	time.Sleep(time.Until(until))
}

// settle lets everything happen that happens at this moment.
func (w *world) settle() {
	for {
		switch {
		case len(w.published) > 0:
			event := w.published[0]
			w.published = w.published[1:]
			w.deliver(event)
		case len(w.tasks) > 0:
			next := w.tasks[0]
			w.tasks = w.tasks[1:]
			next.by.worker.Carry(w.ctx, next.task)
		case !w.gate.serve(w):
			return
		}
	}
}

// settleBurials waits until all of them are done, in a world where nothing else happens any more.
func (w *world) settleBurials() {
	for range 1000 {
		w.settle()
		if w.gate.users.Load() == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.burials.Wait()
	synctest.Wait()
}

// chance is true once in so many times.
func (w *world) chance(in int) bool { return w.rng.IntN(in) == 0 }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

func (w *world) newID() uint64 { return w.rng.Uint64N(1<<53-1) + 1 }

func (w *world) anyClient() *client {
	if len(w.clients) == 0 {
		return nil
	}
	return w.clients[w.rng.IntN(len(w.clients))]
}

func (w *world) makeRooms() {
	for i := range w.cfg.rooms {
		w.rooms = append(w.rooms, map[int]*client{})
		w.makeRoom(i)
	}
}

// makeRoom has a handle of a short session create a room.
func (w *world) makeRoom(number int) {
	c := &client{w: w, session: w.newID()}
	c.command(0, &busv1.Command{Verb: &busv1.Command_Create{Create: &busv1.Create{}}})
	h := c.attach()
	body := fmt.Sprintf(`{"request":"create","room":%d,"publishers":%d}`, number+1, 100)
	if reply, err := c.message(h, body, "", ""); err != nil || reply.GetPlugin() == nil {
		w.t.Fatalf("room not made: %v, %v", reply, err)
	}
	c.command(0, &busv1.Command{Verb: &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}})
}

// schedule is what is to happen, the earliest first.
type schedule []event

type event struct {
	at    time.Time
	order uint64
	do    func()
}

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	if s[i].at.Equal(s[j].at) {
		return s[i].order < s[j].order
	}
	return s[i].at.Before(s[j].at)
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(e any)   { *s = append(*s, e.(event)) }
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

func (w *world) at(at time.Time, do func()) {
	w.counts.order++
	heap.Push(&w.queue, event{at, w.counts.order, do})
}

func (w *world) after(d time.Duration, do func()) { w.at(time.Now().Add(d), do) }

func (w *world) every(d time.Duration, do func()) {
	w.after(d, func() { do(); w.every(d, do) })
}
