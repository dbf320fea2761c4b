package roomstate_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is replicas with their neighbours, all in this process; with CARDEA_TEST_REDIS, on the Redis there, which is
// emptied.
type cluster struct {
	t        *testing.T
	redis    *miniredis.Miniredis
	redisURL string
	nats     *server.Server
	conn     *nats.Conn
	config   roomstate.Config
}

func startCluster(t *testing.T, replicas int, configure ...func(*roomstate.Config)) *cluster {
	t.Helper()
	c := &cluster{t: t, redisURL: os.Getenv("CARDEA_TEST_REDIS")}
	if c.redisURL == "" {
		c.redis = miniredis.RunT(t)
		c.redisURL = "redis://" + c.redis.Addr()
	} else {
		flush(t, c.redisURL)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS did not start")
	}
	c.nats = s
	if c.conn, err = bus.Connect(s.ClientURL(), "test", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.conn.Close)
	c.config = roomstate.Config{
		NATS: bus.NATS{NATSURL: s.ClientURL()}, Redis: store.Redis{RedisURL: c.redisURL},
		Common: roomstate.Common{SessionTimeout: time.Minute, MaxHandles: 100, MaxBody: 1 << 16, MaxRooms: 1000, MaxParticipants: 100},
	}
	for _, f := range configure {
		f(&c.config)
	}
	for range replicas {
		c.startReplica()
	}
	return c
}

// flush empties the Redis that was named for tests.
func flush(t *testing.T, url string) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	defer func() { _ = rdb.Close() }()
	if err := rdb.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// startReplica returns what ends it.
func (c *cluster) startReplica() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("CARDEA_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	config := c.config
	go func() {
		defer close(done)
		if err := roomstate.Run(ctx, config, log); err != nil {
			c.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	c.t.Cleanup(stop)
	return stop
}

// edge speaks for endpoints, as an edge does.
type edge struct {
	*cluster
	requests *bus.Requester
}

func (c *cluster) edge() *edge {
	c.t.Helper()
	requests, err := bus.NewRequester(c.conn, 200*time.Millisecond)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = requests.Close() })
	return &edge{c, requests}
}

func (e *edge) do(cmd *busv1.Command) (*busv1.Reply, error) {
	if cmd.Id == "" {
		cmd.Id = bus.NewCommandID()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return e.requests.Do(ctx, bus.Commands, cmd, nil)
}

func (e *edge) must(cmd *busv1.Command) *busv1.Reply {
	e.t.Helper()
	reply, err := e.do(cmd)
	if err != nil {
		e.t.Fatalf("%T: %v", cmd.GetVerb(), err)
	}
	return reply
}

// session is an endpoint's, with the events it was given.
type session struct {
	*edge
	id     uint64
	socket *busv1.Socket

	mu     sync.Mutex
	events map[uint64]*busv1.Event
	// published counts them, with those that came again.
	published int
	sub       *nats.Subscription
}

func randomID() uint64 { return rand.Uint64()>>11 | 1 }

func (e *edge) session() *session {
	e.t.Helper()
	s := &session{edge: e, id: randomID(), socket: &busv1.Socket{Edge: "e", Id: bus.NewCommandID()}}
	s.listen()
	e.must(&busv1.Command{SessionId: s.id, Socket: s.socket, Verb: &busv1.Command_Create{Create: &busv1.Create{}}})
	return s
}

func (s *session) listen() {
	s.events = map[uint64]*busv1.Event{}
	sub, err := s.conn.Subscribe(bus.SessionEvents(s.id), func(m *nats.Msg) {
		event := new(busv1.Event)
		if err := proto.Unmarshal(m.Data, event); err != nil {
			s.t.Error(err)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		// What was published before is published again when its command is repeated: edges drop it.
		if known := s.events[event.GetNumber()]; known != nil && !proto.Equal(known, event) {
			s.t.Errorf("event %d is two: %v and %v", event.GetNumber(), known, event)
		}
		s.published++
		s.events[event.GetNumber()] = event
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.conn.Flush(); err != nil {
		s.t.Fatal(err)
	}
	s.sub = sub
	s.t.Cleanup(func() { _ = sub.Unsubscribe() })
}

// command is one of this session.
func (s *session) command() *busv1.Command {
	return &busv1.Command{Id: bus.NewCommandID(), SessionId: s.id, Socket: s.socket}
}

func (s *session) attach(plugin string) *handle {
	s.t.Helper()
	h := &handle{session: s, id: randomID()}
	cmd := s.command()
	cmd.Verb = &busv1.Command_Attach{Attach: &busv1.Attach{NewHandleId: h.id, Plugin: plugin}}
	s.must(cmd)
	return h
}

// handle is one of a session.
type handle struct {
	*session
	id uint64
}

func (h *handle) command() *busv1.Command {
	cmd := h.session.command()
	cmd.HandleId = h.id
	cmd.Transaction = "t-" + cmd.Id
	return cmd
}

// send sends a plugin message and returns its answer: the data, and the event if it was one.
func (h *handle) send(body string, jsep ...string) (object, *busv1.Event) {
	h.t.Helper()
	cmd := h.message(body, jsep...)
	reply, err := h.do(cmd)
	if err != nil {
		return object{"error": err.Error()}, nil
	}
	if p := reply.GetPlugin(); p != nil {
		return decode(h.t, p.GetData()), nil
	}
	event := h.wait(func(e *busv1.Event) bool { return e.GetCommandId() == cmd.GetId() && e.GetPlugin() != nil })
	return decode(h.t, event.GetPlugin().GetData()), event
}

func (h *handle) message(body string, jsep ...string) *busv1.Command {
	cmd := h.command()
	m := &busv1.Message{Body: []byte(body)}
	if len(jsep) == 2 {
		m.Jsep = &busv1.Jsep{Type: jsep[0], Sdp: jsep[1]}
	}
	cmd.Verb = &busv1.Command_Message{Message: m}
	return cmd
}

type object map[string]any

func decode(t *testing.T, b []byte) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return o
}

// wait returns the first event that fits, in order of numbers, once it is there.
func (s *session) wait(fits func(*busv1.Event) bool) *busv1.Event {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		for _, e := range s.all() {
			if fits(e) {
				return e
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	s.t.Fatalf("no such event among %v", s.all())
	return nil
}

func (s *session) all() []*busv1.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*busv1.Event
	for _, e := range s.events {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *busv1.Event) int { return int(a.GetNumber()) - int(b.GetNumber()) })
	return all
}

// data waits for a plugin event of the handle whose data has all the parts.
func (h *handle) data(parts ...string) string {
	h.t.Helper()
	e := h.wait(func(e *busv1.Event) bool { return e.GetHandleId() == h.id && has(e, parts...) })
	return string(e.GetPlugin().GetData())
}

func has(e *busv1.Event, parts ...string) bool {
	if e.GetPlugin() == nil {
		return false
	}
	for _, part := range parts {
		if !strings.Contains(string(e.GetPlugin().GetData()), part) {
			return false
		}
	}
	return true
}

func (c *cluster) peersOn(node string) ([]string, error) {
	return c.redis.SMembers("{cardea}:node:" + node)
}
