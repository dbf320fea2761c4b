package media

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/keeping"
)

// id is that of the node's process, as its beats say.
func (s *system) id() string {
	s.t.Helper()
	heard := make(chan string, 16)
	sub, err := s.nats.Subscribe(bus.NodeBeats, beats(s.t, func(b *busv1.NodeStatus) {
		select {
		case heard <- b.GetId():
		default:
		}
	}))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	select {
	case id := <-heard:
		return id
	case <-time.After(patience):
		s.t.Fatal("no beat")
		return ""
	}
}

func (s *system) keepers() mediav1.KeepersClient {
	s.t.Helper()
	conn, err := grpc.NewClient(s.addresses.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return mediav1.NewKeepersClient(conn)
}

// keepLine is an owner's line to a node.
type keepLine struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[mediav1.KeepRequest, mediav1.KeepResponse]
	number uint64
}

func openLine(t *testing.T, c mediav1.KeepersClient) *keepLine {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stream, err := c.Keep(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &keepLine{t: t, stream: stream}
}

func (l *keepLine) ask(m *mediav1.KeepRequest) (*mediav1.KeepResponse, error) {
	l.t.Helper()
	l.number++
	m.Number = l.number
	if err := l.stream.Send(m); err != nil {
		l.t.Fatal(err)
	}
	return l.stream.Recv()
}

func (l *keepLine) keep(m *mediav1.KeepRequest) *mediav1.KeepResponse {
	l.t.Helper()
	r, err := l.ask(m)
	if err != nil || r.GetNumber() != l.number || r.GetFenced() {
		l.t.Fatalf("%v, %v", r, err)
	}
	return r
}

// kept says what a node keeps of one that is dead.
func kept(t *testing.T, c mediav1.KeepersClient, owner string, change uint64) int {
	t.Helper()
	r, err := c.Fence(t.Context(), &mediav1.FenceRequest{Owner: owner, Change: change})
	if err != nil {
		t.Fatal(err)
	}
	return len(r.GetKept())
}

func TestAKeeperGivesTheLastValueOnceItsOwnerIsFenced(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, id := s.keepers(), s.id()
	peer := newPeer()
	take := func(version *uint64, to string) (string, codes.Code) {
		r, err := c.TakeKept(t.Context(), &mediav1.TakeKeptRequest{Owner: "a", Peer: peer, LeaveAtVersion: version, To: to})
		return string(r.GetState()), status.Code(err)
	}
	l := openLine(t, c)
	l.keep(&mediav1.KeepRequest{Owner: "a", Keeper: id, Change: 1})
	for _, serial := range []uint64{1, 3, 2, 3} { // late, and twice
		state := []byte(`{"Version":` + string(rune('0'+serial)) + `}`)
		l.keep(&mediav1.KeepRequest{Kept: []*mediav1.Kept{{Peer: peer, Serial: serial, State: state}}})
	}
	if n := s.counter("kept_peers"); n != 1 {
		t.Errorf("%d are kept", n)
	}
	if _, code := take(nil, "x"); code != codes.FailedPrecondition {
		t.Errorf("of an owner that lives: %v", code)
	}
	if n := kept(t, c, "a", 1); n != 1 {
		t.Fatalf("%d are kept", n)
	}
	if r, err := l.stream.Recv(); err != nil || !r.GetFenced() {
		t.Errorf("the owner is told %v, %v", r, err)
	}
	for _, step := range []struct {
		version *uint64
		to      string
		want    codes.Code
	}{
		{nil, "x", codes.OK}, {nil, "y", codes.OK}, {new(uint64(2)), "x", codes.FailedPrecondition},
		{new(uint64(3)), "x", codes.OK}, {new(uint64(3)), "x", codes.OK}, {new(uint64(3)), "y", codes.NotFound}, {nil, "y", codes.NotFound},
	} {
		state, code := take(step.version, step.to)
		if code != step.want || code == codes.OK && state != `{"Version":3}` {
			t.Errorf("to %s: %q, %v, not %v", step.to, state, code, step.want)
		}
	}
	if r, err := openLine(t, c).ask(&mediav1.KeepRequest{Owner: "a", Keeper: id, Change: 2}); err != nil || !r.GetFenced() {
		t.Errorf("once more: %v, %v", r, err)
	}
}

func TestAKeeperRefusesWhatIsNotForIt(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, id := s.keepers(), s.id()
	for name, m := range map[string]*mediav1.KeepRequest{
		"another process": {Owner: "a", Keeper: "b"}, "nobody's": {Keeper: id}, "nothing": {},
	} {
		if r, err := openLine(t, c).ask(m); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for name, r := range map[string]*mediav1.FenceRequest{"nobody": {}, "itself": {Owner: id}} {
		if _, err := c.Fence(t.Context(), r); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("fence %s: %v", name, err)
		}
	}
	first, peer := openLine(t, c), newPeer()
	first.keep(&mediav1.KeepRequest{Owner: "a", Keeper: id, Change: 1})
	second := openLine(t, c)
	second.keep(&mediav1.KeepRequest{Owner: "a", Keeper: id, Change: 1})
	if r, err := first.ask(&mediav1.KeepRequest{Kept: []*mediav1.Kept{{Peer: peer, Serial: 9, State: []byte("{}")}}}); err == nil {
		t.Errorf("by the line before: %v", r)
	}
	large := make([]byte, 600<<10)
	r := second.keep(&mediav1.KeepRequest{Kept: []*mediav1.Kept{{Peer: peer, Serial: 1, State: large}}})
	if len(r.GetRefused()) != 1 || s.counter("kept_refused_total") != 1 {
		t.Errorf("too large: %v", r)
	}
	if n := kept(t, c, "a", 2); n != 0 {
		t.Errorf("%d are kept", n)
	}
}

// hears has the node hear the beats of another.
func (s *system) hears(id, address string) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	s.t.Cleanup(func() { close(stop); wg.Wait() })
	wg.Go(func() {
		for {
			_ = bus.Publish(s.nats, bus.NodeBeats, &busv1.NodeStatus{Id: id, Name: "node-1", GrpcAddress: address})
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
}

// awaitFenced waits until the node has ended because others have its calls.
func (s *system) awaitFenced() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addresses.GRPC)
		if err != nil {
			break
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			s.t.Fatal("the node goes on")
		}
	}
	if err := s.stop(); !errors.Is(err, keeping.ErrFenced) {
		s.t.Errorf("the node has ended: %v", err)
	}
	s.stop = func() error { return nil }
}

// keepNode has requests to note a keeper answered.
func (s *system) keepNode(do func(keeper string, change uint64, reply *busv1.Reply)) {
	answer := func(r *busv1.Admin, reply *busv1.Reply) {
		var p struct {
			Keeper string
			Change uint64
		}
		if err := json.Unmarshal(r.GetParameters(), &p); err != nil || r.GetRequest() != "keep_node" {
			s.t.Errorf("%v: %v", r, err)
		}
		do(p.Keeper, p.Change, reply)
	}
	s.answer.Store(&answer)
}

// TestANodeLearnsFromRoomstateThatItIsFenced has a node fenced whose keeper is not told.
func TestANodeLearnsFromRoomstateThatItIsFenced(t *testing.T) {
	t.Parallel()
	a, b := start(t, func(c *Config) { c.KeepPeers = true }), start(t)
	var asked atomic.Uint64
	a.keepNode(func(_ string, change uint64, reply *busv1.Reply) {
		if asked.Add(1) > 1 {
			reply.Outcome = &busv1.Reply_Failure{Failure: &busv1.Failure{Reason: string(fault.WrongState)}}
		}
		if change != 1 {
			t.Errorf("change %d: there is one keeper", change)
		}
	})
	a.hears(b.id(), b.addresses.GRPC)
	a.awaitFenced()
}

// TestANodeAndRoomstateAgreeOnTheKeeperAgain has roomstate note another keeper than the node has, as after an answer that was lost:
// the node notes its own under a higher number, and has its peers kept under that.
func TestANodeAndRoomstateAgreeOnTheKeeperAgain(t *testing.T) {
	t.Parallel()
	a := start(t, func(c *Config) { c.KeepPeers = true })
	pub := a.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	a.awaitUp(pub.id)
	type noted struct {
		Keeper string `json:"keeper"`
		Change uint64 `json:"change"`
	}
	var mu sync.Mutex
	now, asked := noted{}, 0
	a.keepNode(func(keeper string, change uint64, reply *busv1.Reply) {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked == 2 {
			now = noted{"another", 2}
		} else if change > now.Change {
			now = noted{keeper, change}
		}
		data, _ := json.Marshal(now)
		reply.Outcome = &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Data: data}}
	})
	k := &recordingKeeper{}
	a.hears("b", k.start(t))
	for deadline := time.Now().Add(patience); k.kept.Load() != 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the peer is kept under change %d", k.kept.Load())
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if now != (noted{"b", 3}) {
		t.Errorf("roomstate has noted %v", now)
	}
}

// recordingKeeper takes all values, and remembers the change with which the last line was opened that brought any.
type recordingKeeper struct {
	mediav1.UnimplementedKeepersServer
	kept   atomic.Uint64
	silent atomic.Bool // it answers nobody any more
}

func (k *recordingKeeper) Keep(stream grpc.BidiStreamingServer[mediav1.KeepRequest, mediav1.KeepResponse]) error {
	change := uint64(0)
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		if change == 0 {
			change = m.GetChange()
		}
		if k.silent.Load() {
			continue
		}
		if len(m.GetKept()) > 0 {
			k.kept.Store(change)
		}
		if err := stream.Send(&mediav1.KeepResponse{Number: m.GetNumber()}); err != nil {
			return err
		}
	}
}

// start returns its address.
func (k *recordingKeeper) start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	mediav1.RegisterKeepersServer(server, k)
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); wg.Wait() })
	return listener.Addr().String()
}

// TestANodeThatIsFencedEndsWithoutAWord has a node keep its peers with another, and fences it there: it says of none of them that
// it has ended.
func TestANodeThatIsFencedEndsWithoutAWord(t *testing.T) {
	t.Parallel()
	a := start(t, func(c *Config) { c.KeepPeers = true })
	b := start(t)
	pub := a.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	a.awaitUp(pub.id)
	own := a.id()
	a.hears(b.id(), b.addresses.GRPC)
	for deadline := time.Now().Add(patience); b.counter("kept_peers") != 1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the peer is not kept")
		}
	}
	if n := kept(t, b.keepers(), own, 1); n != 1 {
		t.Fatalf("%d are kept", n)
	}
	a.awaitFenced()
	if n := a.count(pub.id, func(e *busv1.PeerEvent) bool { return e.GetClosed() != nil }); n > 0 {
		t.Errorf("%d times it is said that the peer has ended", n)
	}
}
