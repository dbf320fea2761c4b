package media

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
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

// TestANodeThatIsFencedEndsWithoutAWord has a node keep its peers with another, and fences it there: it says of none of them that
// it has ended.
func TestANodeThatIsFencedEndsWithoutAWord(t *testing.T) {
	a := start(t, func(c *Config) { c.KeepPeers = true })
	b := start(t)
	pub := a.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	a.awaitUp(pub.id)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	own, id := a.id(), b.id()
	wg.Go(func() { // the node hears of the other
		for {
			_ = bus.Publish(a.nats, bus.NodeBeats, &busv1.NodeStatus{Id: id, Name: "node-1", GrpcAddress: b.addresses.GRPC})
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	for deadline := time.Now().Add(patience); b.counter("kept_peers") != 1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the peer is not kept")
		}
	}
	if n := kept(t, b.keepers(), own, 1); n != 1 {
		t.Fatalf("%d are kept", n)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", a.addresses.GRPC)
		if err != nil {
			break
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the node goes on")
		}
	}
	if err := a.stop(); !errors.Is(err, keeping.ErrFenced) {
		t.Errorf("the node has ended: %v", err)
	}
	a.stop = func() error { return nil }
	if n := a.count(pub.id, func(e *busv1.PeerEvent) bool { return e.GetClosed() != nil }); n > 0 {
		t.Errorf("%d times it is said that the peer has ended", n)
	}
}
