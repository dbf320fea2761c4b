package media

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(oneAndSeveral{m}) }

// workers is how many the nodes of the tests have.
var workers int

// oneAndSeveral runs all tests with one worker, then with several.
type oneAndSeveral struct{ m *testing.M }

func (r oneAndSeveral) Run() int {
	for _, workers = range []int{1, 3} {
		if code := r.m.Run(); code != 0 {
			fmt.Printf("with %d workers\n", workers)
			return code
		}
	}
	return 0
}

// patience is how long a test waits for what should happen at once.
const patience = 15 * time.Second

// system is a media node with its neighbours: NATS, and a roomstate that only listens.
type system struct {
	t         *testing.T
	addresses Addresses
	api       mediav1.MediaClient
	nats      *nats.Conn
	stop      func() error
	number    uint64                                           // among all
	handles   atomic.Uint64                                    // so far
	answer    atomic.Pointer[func(*busv1.Admin, *busv1.Reply)] // to the node's own requests; Done without

	mu     sync.Mutex
	events []*busv1.Command
	heard  chan struct{} // closed and renewed with each event
}

func start(t *testing.T, change ...func(*Config)) *system {
	t.Helper()
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(patience) {
		t.Fatal("NATS did not start")
	}
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s := &system{t: t, number: systems.Add(1), heard: make(chan struct{})}
	if s.nats, err = bus.Connect(broker.ClientURL(), "test", log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.nats.Close)
	if _, err := s.nats.Subscribe(bus.Commands, s.hear); err != nil {
		t.Fatal(err)
	}

	listening := make(chan Addresses, 1)
	cfg := Config{
		Name: "node-0", NATS: bus.NATS{NATSURL: broker.ClientURL()}, GRPCListen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", MaxRelays: 100,
		Common:    Common{TCP: true, Workers: workers, Advertise: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, MaxPeers: 100, NoMediaTimer: 1},
		Listening: func(a Addresses) { listening <- a },
	}
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg, log) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case s.addresses = <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(s.addresses.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s.api = mediav1.NewMediaClient(conn)
	return s
}

// hear answers the node's events as roomstate would.
func (s *system) hear(m *nats.Msg) {
	var cmd busv1.Command
	if err := proto.Unmarshal(m.Data, &cmd); err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	s.events = append(s.events, &cmd)
	close(s.heard)
	s.heard = make(chan struct{})
	s.mu.Unlock()
	reply := &busv1.Reply{CommandId: cmd.GetId(), Outcome: &busv1.Reply_Done{Done: &busv1.Done{}}}
	if answer := s.answer.Load(); answer != nil && cmd.GetAdmin() != nil {
		(*answer)(cmd.GetAdmin(), reply)
	}
	if err := bus.Publish(s.nats, m.Reply, reply); err != nil {
		s.t.Error(err)
	}
}

// await returns the first event of a peer that want accepts.
func (s *system) await(id *mediav1.PeerID, what string, want func(*busv1.PeerEvent) bool) *busv1.PeerEvent {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		heard := s.heard
		for _, cmd := range s.events {
			e := cmd.GetPeer()
			if cmd.GetSessionId() == id.GetSessionId() && cmd.GetHandleId() == id.GetHandleId() &&
				e.GetGeneration() == id.GetGeneration() && want(e) {
				s.mu.Unlock()
				return e
			}
		}
		s.mu.Unlock()
		select {
		case <-heard:
		case <-deadline:
			s.t.Fatalf("no event of %v: %s", id, what)
		}
	}
}

func (s *system) awaitUp(id *mediav1.PeerID) {
	s.t.Helper()
	s.await(id, "up", func(e *busv1.PeerEvent) bool { return e.GetUp() != nil })
}

func (s *system) awaitClosed(id *mediav1.PeerID, reason string) {
	s.t.Helper()
	e := s.await(id, "closed", func(e *busv1.PeerEvent) bool { return e.GetClosed() != nil })
	if got := e.GetClosed().GetReason(); got != reason {
		s.t.Errorf("closed for %q, want %q", got, reason)
	}
	if with := e.GetClosed().GetWithNode(); with != (reason == "Shutdown") {
		s.t.Errorf("closed for %q, with its node: %v", reason, with)
	}
}

// every calls f again and again until the test ends.
func every(t *testing.T, period time.Duration, f func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { close(done); <-stopped })
}

// count returns how many events of a peer want accepts, so far.
func (s *system) count(id *mediav1.PeerID, want func(*busv1.PeerEvent) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range s.events {
		if cmd.GetHandleId() == id.GetHandleId() && want(cmd.GetPeer()) {
			n++
		}
	}
	return n
}

// handlesEach is how many handles a system may have. Those of one follow one another, whatever other tests do meanwhile: a node's
// workers have as many of them.
const handlesEach = 10_000

var systems, lastHandle atomic.Uint64

// newPeer names a PeerConnection that is not there yet, of no system.
func newPeer() *mediav1.PeerID { return peerOf(lastHandle.Add(1)) }

// newPeer names one of the system's.
func (s *system) newPeer() *mediav1.PeerID { return peerOf(s.number*handlesEach + s.handles.Add(1)) }

func peerOf(handle uint64) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: 1, HandleId: handle, Generation: 1}
}

var lastCommand atomic.Int64

func newCommand() string {
	return fmt.Sprint("command-", lastCommand.Add(1))
}

// beats reads a node's beats.
func beats(t *testing.T, f func(*busv1.NodeStatus)) nats.MsgHandler {
	return func(m *nats.Msg) {
		var b busv1.NodeStatus
		if err := proto.Unmarshal(m.Data, &b); err != nil {
			t.Error(err)
			return
		}
		f(&b)
	}
}

func port(s *system) string { return strconv.Itoa(int(s.addresses.Media)) }

// metrics returns what /metrics shows.
func metrics(t *testing.T, s *system) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + s.addresses.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
