package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a backend that notes what is posted to it.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	auth   []string
	events chan Event
}

// newSink answers each post with what status returns, counted from 0; events count if that is below 300.
func newSink(t *testing.T, start func(http.Handler) *httptest.Server, status func(post int) int) *sink {
	t.Helper()
	s := &sink{events: make(chan Event, 10000)}
	posts := 0
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		answer := status(posts)
		posts++
		s.bodies = append(s.bodies, body)
		user, password, _ := r.BasicAuth()
		s.auth = append(s.auth, user+":"+password)
		if answer >= 300 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(answer)
			return
		}
		var many []Event
		if json.Unmarshal(body, &many) != nil {
			many = make([]Event, 1)
			_ = json.Unmarshal(body, &many[0])
		}
		for _, e := range many {
			s.events <- e
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func ok(int) int { return http.StatusOK }

func (s *sink) next(t *testing.T) Event {
	t.Helper()
	select {
	case e := <-s.events:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no event came")
		return Event{}
	}
}

func (s *sink) posts() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.bodies...)
}

func config(backend string) Config {
	return Config{
		Backend: backend, Mask: []string{"all"}, Grouping: true, Queue: 1000, Retries: 3, Backoff: time.Millisecond,
		Timeout: 10 * time.Second, Emitter: "test",
	}
}

// start runs an emitter; stop ends it and waits. Without run it delivers nothing until then.
func start(t *testing.T, cfg Config, nc Publisher, run bool) (e *Emitter, stop func()) {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	e, err := New(cfg, "me", nc, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	begin := func() { go func() { defer close(done); e.Run(ctx) }() }
	if run {
		begin()
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if !run {
			begin()
		}
		<-done
	})
	t.Cleanup(stop)
	return e, stop
}

func session(n int) Event {
	return Event{Type: Session, SessionID: uint64(n), Event: Object{"name": "created"}}
}

func (e *Emitter) droppedBecause(to, reason string) float64 {
	return testutil.ToFloat64(e.dropped.WithLabelValues(to, reason))
}

func TestEventsArriveInOrderWithJanusMembers(t *testing.T) {
	s := newSink(t, httptest.NewServer, ok)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config(s.URL)
	cfg.User, cfg.PasswordFile = "events", password
	e, _ := start(t, cfg, nil, true)
	before := time.Now().UnixMicro()
	for i := 1; i <= 250; i++ {
		e.Emit(session(i))
	}
	e.Emit(Event{Type: WebRTC, Subtype: Connection, SessionID: 1, HandleID: 2, OpaqueID: "app", Event: Object{"connection": "webrtcup"}})
	for i := 1; i <= 250; i++ {
		got := s.next(t)
		if got.SessionID != uint64(i) || got.Emitter != "test" || got.Type != Session || got.Timestamp < before || got.Timestamp > time.Now().UnixMicro() {
			t.Fatalf("event %d is %+v", i, got)
		}
	}
	if got := s.next(t); got.HandleID != 2 || got.OpaqueID != "app" || got.Subtype != Connection {
		t.Errorf("got %+v", got)
	}
	for _, auth := range s.auth {
		if auth != "events:secret" {
			t.Errorf("authorized as %s", auth)
		}
	}
	if first := s.posts()[0]; first[0] != '[' {
		t.Errorf("grouped events are no array: %.40s", first)
	}
}

func TestGroupingIsBoundedAndCanBeOff(t *testing.T) {
	for _, grouping := range []bool{true, false} {
		t.Run(fmt.Sprint(grouping), func(t *testing.T) {
			s := newSink(t, httptest.NewServer, ok)
			cfg := config(s.URL)
			cfg.Grouping = grouping
			e, stop := start(t, cfg, nil, false) // so all wait when delivery begins
			for i := range 2*groupEvents + 1 {
				e.Emit(session(i + 1))
			}
			stop()
			want := 3
			if !grouping {
				want = 2*groupEvents + 1
			}
			if got := len(s.posts()); got != want {
				t.Errorf("%d posts, want %d", got, want)
			}
			if first := s.posts()[0]; (first[0] == '[') != grouping {
				t.Errorf("got %.40s", first)
			}
		})
	}
}

func TestOnlyWantedTypesAreDelivered(t *testing.T) {
	s := newSink(t, httptest.NewServer, ok)
	cfg := config(s.URL)
	cfg.Mask = []string{"handles", "plugins"}
	e, _ := start(t, cfg, nil, true)
	if e.Wants(Session) || !e.Wants(Handle) || !e.Wants(Plugin) {
		t.Error("the mask is not kept to")
	}
	e.Emit(session(1))
	e.Emit(Event{Type: Handle, SessionID: 1, HandleID: 2, Event: Object{"name": "attached"}})
	if got := s.next(t); got.Type != Handle {
		t.Errorf("got %+v", got)
	}
}

// TestDropsAreCountedFromZero: increase() sees the first of them then.
func TestDropsAreCountedFromZero(t *testing.T) {
	cfg := config("http://127.0.0.1:1")
	cfg.Subject = "events"
	r := prometheus.NewRegistry()
	e, err := New(cfg, "me", nil, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e.Dropped("observations", 0)
	want := `
		# HELP cardea_events_dropped_total Events for event handlers that were dropped, by destination and reason.
		# TYPE cardea_events_dropped_total counter
		cardea_events_dropped_total{reason="not published",to="nats"} 0
		cardea_events_dropped_total{reason="observations",to="http"} 0
		cardea_events_dropped_total{reason="observations",to="nats"} 0
		cardea_events_dropped_total{reason="queue full",to="http"} 0
		cardea_events_dropped_total{reason="queue full",to="nats"} 0
		cardea_events_dropped_total{reason="refused",to="http"} 0
		cardea_events_dropped_total{reason="retries",to="http"} 0
		cardea_events_dropped_total{reason="shutdown",to="http"} 0
		cardea_events_dropped_total{reason="shutdown",to="nats"} 0
	`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "cardea_events_dropped_total"); err != nil {
		t.Error(err)
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	s := newSink(t, httptest.NewServer, ok)
	cfg := config(s.URL)
	cfg.Queue = 10
	e, stop := start(t, cfg, nil, false)
	for i := range 25 {
		e.Emit(session(i + 1))
	}
	if got := e.droppedBecause("http", "queue full"); got != 15 {
		t.Errorf("%v dropped, want 15", got)
	}
	stop()
	for i := range 10 { // the oldest are kept
		if got := s.next(t); got.SessionID != uint64(i+1) {
			t.Errorf("got %+v, want session %d", got, i+1)
		}
	}
}

func TestQueuesAreBoundedInBytes(t *testing.T) {
	q := newQueue(100, 10)
	if !q.put(make([]byte, 6)) || q.put(make([]byte, 5)) || !q.put(make([]byte, 4)) {
		t.Error("the bound of 10 bytes is not kept to")
	}
	if got := q.take(100, 8); len(got) != 1 {
		t.Errorf("took %d events, want 1 of 6 bytes", len(got))
	}
	if !q.put(make([]byte, 6)) {
		t.Error("what was taken still counts")
	}
	if got := q.take(100, 1); len(got) != 1 {
		t.Errorf("took %d events, want the one that alone is too large", len(got))
	}
}

func TestFailedPostsAreRepeated(t *testing.T) {
	s := newSink(t, httptest.NewServer, func(post int) int {
		return []int{503, 429, 500, 200}[min(post, 3)]
	})
	e, _ := start(t, config(s.URL), nil, true)
	e.Emit(session(1))
	if got := s.next(t); got.SessionID != 1 {
		t.Errorf("got %+v", got)
	}
	if got := len(s.posts()); got != 4 {
		t.Errorf("%d posts, want 4", got)
	}
}

func TestWhatCannotBePostedIsDroppedAndTheNextGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		status, posts int
		reason        string
	}{
		"unavailable":  {503, 4, "retries"},
		"unauthorized": {401, 1, "refused"},
		"redirect":     {302, 1, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, httptest.NewServer, func(post int) int {
				if post < c.posts {
					return c.status
				}
				return 200
			})
			cfg := config(s.URL)
			cfg.Grouping = false
			e, _ := start(t, cfg, nil, true)
			e.Emit(session(1))
			e.Emit(session(2))
			if got := s.next(t); got.SessionID != 2 {
				t.Errorf("got %+v", got)
			}
			if got := e.droppedBecause("http", c.reason); got != 1 {
				t.Errorf("%v dropped, want 1", got)
			}
		})
	}
}

func TestTheBackendsCertificateIsVerified(t *testing.T) {
	s := newSink(t, httptest.NewTLSServer, ok)
	cfg := config(s.URL)
	cfg.Retries = 0
	e, stop := start(t, cfg, nil, true)
	e.Emit(session(1))
	deadline := time.Now().Add(20 * time.Second)
	for e.droppedBecause("http", "retries") == 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	if got := len(s.posts()); got != 0 {
		t.Fatalf("%d posts to a server that nobody vouches for", got)
	}

	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(s.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.CAFile = ca
	trusting, _ := start(t, cfg, nil, true)
	trusting.Emit(session(2))
	if got := s.next(t); got.SessionID != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestADeadBackendHoldsNeitherEmitNorTheEnd(t *testing.T) {
	stuck := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(stuck) })
	cfg := config(srv.URL)
	cfg.Timeout = time.Hour
	cfg.Queue = 5
	e, stop := start(t, cfg, nil, true)
	for i := range 1000 {
		e.Emit(session(i + 1))
	}
	stop()
	if e.droppedBecause("http", "queue full") == 0 || e.droppedBecause("http", "shutdown")+e.droppedBecause("http", "retries") == 0 {
		t.Error("drops are not counted")
	}
}

// listen runs a NATS server, and returns a connection to it and what is published on a subject.
func listen(t *testing.T, subject string) (*nats.Conn, *nats.Subscription) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("NATS is not ready")
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	sub, err := nc.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	return nc, sub
}

// published is the next event on a subject.
func published(t *testing.T, sub *nats.Subscription) Event {
	t.Helper()
	m, err := sub.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var got Event
	if err := json.Unmarshal(m.Data, &got); err != nil {
		t.Fatalf("%s: %v", m.Data, err)
	}
	return got
}

func TestEventsArePublishedOnTheSubject(t *testing.T) {
	nc, sub := listen(t, "janus.events")
	cfg := config("")
	cfg.Subject = "janus.events"
	e, _ := start(t, cfg, nc, true)
	e.Emit(Event{Type: Core, Subtype: Startup, Event: Object{"status": "started"}})
	if got := published(t, sub); got.Type != Core || got.Emitter != "test/me" {
		t.Errorf("got %+v", got)
	}
}

func TestTheSubjectAndTheBackendGetTheSame(t *testing.T) {
	nc, sub := listen(t, "janus.events")
	up := make(chan struct{}) // closed when the backend is back
	s := newSink(t, httptest.NewServer, func(int) int {
		select {
		case <-up:
			return http.StatusOK
		default:
			return http.StatusInternalServerError
		}
	})
	cfg := config(s.URL)
	cfg.Subject, cfg.Retries, cfg.Backoff = "janus.events", 1000, 10*time.Millisecond
	e, _ := start(t, cfg, nc, true)
	const many = 300
	for i := 1; i <= many; i++ {
		e.Emit(session(i))
	}
	var first []Event // while the backend is away
	for range many {
		first = append(first, published(t, sub))
	}
	close(up)
	for i, want := range first {
		if want.SessionID != uint64(i+1) {
			t.Fatalf("event %d on the subject is %+v", i, want)
		}
		if got := s.next(t); !reflect.DeepEqual(got, want) {
			t.Fatalf("event %d:\n backend %+v\n subject %+v", i, got, want)
		}
	}
	if http, subject := e.droppedBecause("http", "retries"), e.droppedBecause("nats", "not published"); http+subject > 0 {
		t.Errorf("%v and %v dropped", http, subject)
	}
}

type failing struct{}

func (failing) Publish(string, []byte) error { return errors.New("away") }

func TestWhatNATSDoesNotTakeIsCounted(t *testing.T) {
	cfg := config("")
	cfg.Subject = "janus.events"
	e, stop := start(t, cfg, failing{}, true)
	e.Emit(session(1))
	stop()
	if got := e.droppedBecause("nats", "not published"); got != 1 {
		t.Errorf("%v dropped, want 1", got)
	}
}

func TestWithoutDestinationThereIsNothingToDo(t *testing.T) {
	e, err := New(config(""), "me", nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil || e != nil {
		t.Fatalf("got %v, %v", e, err)
	}
	e.Emit(session(1))
	e.Dropped("observations", 1)
	if e.Wants(Session) {
		t.Error("events are wanted by nobody")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Run(ctx)
}

func TestBadSettingsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"kind":     func(c *Config) { c.Mask = []string{"session"} },
		"scheme":   func(c *Config) { c.Backend = "ftp://host/" },
		"no host":  func(c *Config) { c.Backend = "http:///path" },
		"password": func(c *Config) { c.Backend = "http://u:p@host/" },
		"queue":    func(c *Config) { c.Queue = 0 },
		"retries":  func(c *Config) { c.Retries = -1 },
		"subject":  func(c *Config) { c.Subject = "a.*" },
	} {
		c := config("http://host/")
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}
