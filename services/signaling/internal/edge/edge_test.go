package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/reread"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBus is roomstate as a test wants it.
type fakeBus struct {
	do       func(cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error)
	resume   func(session, after uint64) []*busv1.Event
	released uint64
	tell     func(all []*busv1.Delivery)
}

func (f *fakeBus) Do(_ context.Context, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
	return f.do(cmd, accepted)
}
func (f *fakeBus) Subscribe(uint64) (func(), error) { return func() {}, nil }
func (f *fakeBus) Listen(uint64) (func(), error)    { return func() {}, nil }
func (f *fakeBus) Resume(_ context.Context, session, after uint64) ([]*busv1.Event, error) {
	return f.resume(session, after), nil
}
func (f *fakeBus) Release(context.Context, uint64) uint64 { return f.released }
func (f *fakeBus) Tell(all []*busv1.Delivery) {
	if f.tell != nil {
		f.tell(all)
	}
}
func (f *fakeBus) Info(context.Context) (json.RawMessage, error) {
	return json.RawMessage(`{"session-timeout":60,"event_handlers":true,"events":{"elsewhere":{}}}`), nil
}

// fakeSocket keeps what was sent.
type fakeSocket struct {
	id   string
	sent chan string
	slow atomic.Bool // what is sent is not taken
}

func (s *fakeSocket) ID() string     { return s.id }
func (s *fakeSocket) Remote() string { return "test" }
func (s *fakeSocket) Send(m []byte)  { s.sent <- string(m) }
func (s *fakeSocket) Drained() bool  { return !s.slow.Load() }

func (s *fakeSocket) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-s.sent:
		return m
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was sent")
		return ""
	}
}

func (s *fakeSocket) want(t *testing.T, parts ...string) {
	t.Helper()
	m := s.next(t)
	for _, p := range parts {
		if !strings.Contains(m, p) {
			t.Fatalf("got %s, want %s in it", m, p)
		}
	}
}

func (s *fakeSocket) quiet(t *testing.T) {
	t.Helper()
	select {
	case m := <-s.sent:
		t.Fatalf("unexpected %s", m)
	case <-time.After(30 * time.Millisecond):
	}
}

var done = &busv1.Reply{Outcome: &busv1.Reply_Done{Done: &busv1.Done{}}}

func start(t *testing.T, bus Bus) *Edge {
	t.Helper()
	e := New(bus, Options{
		Name: "e", AnswerTimeout: 5 * time.Second, SocketPending: 8, SocketSessions: 3, Sessions: 100, SessionPolls: 4, PollTime: 5 * time.Second,
		Info: json.RawMessage(`{"name":"Cardea"}`),
	}, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	t.Cleanup(e.Close)
	return e
}

func open(e *Edge, id string) (*Client, *fakeSocket) {
	s := &fakeSocket{id: id, sent: make(chan string, 100)}
	return e.Open(s), s
}

func event(session, number uint64, command, text string) *busv1.Event {
	return &busv1.Event{
		SessionId: session, HandleId: 8, Number: number, CommandId: command, Transaction: "m",
		Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: "p", Data: fmt.Appendf(nil, `{"text":%q}`, text)}},
	}
}

// create makes session 7 on c.
func create(t *testing.T, c *Client, s *fakeSocket) {
	t.Helper()
	c.Receive([]byte(`{"janus":"create","transaction":"c","id":7}`))
	s.want(t, `"success"`, `"data":{"id":7}`)
}

const message = `{"janus":"message","transaction":"m","session_id":7,"handle_id":8,"body":{}}`

// echoed is how the EchoTest answers a command.
func echoed(cmd *busv1.Command) *busv1.Event {
	ev := event(7, 1, cmd.GetId(), "answer")
	ev.GetPlugin().Plugin = "janus.plugin.echotest"
	return ev
}

func TestAckComesBeforeItsEventWhicheverArrivesFirst(t *testing.T) {
	for _, c := range []struct {
		name  string
		order string // a: accepted, e: event, in which order they reach the edge
		with  bool   // the event comes with the answer
	}{{"accepted first", "ae", false}, {"event first", "ea", false}, {"never accepted", "e", false}, {"with the answer", "", true}, {"both", "e", true}} {
		t.Run(c.name, func(t *testing.T) {
			var e *Edge
			e = start(t, &fakeBus{do: func(cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error) {
				if cmd.GetMessage() == nil {
					return done, nil
				}
				for _, what := range c.order {
					if what == 'a' {
						accepted("janus.plugin.echotest")
					} else {
						e.Hear(echoed(cmd))
						e.session(7).run(func() {})
					}
				}
				reply := &busv1.Reply{LastEvent: 1, Outcome: &busv1.Reply_Done{Done: &busv1.Done{Async: true, Plugin: "janus.plugin.echotest"}}}
				if c.with {
					reply.Raised = []*busv1.Event{echoed(cmd)}
				}
				return reply, nil
			}})
			client, socket := open(e, "a")
			create(t, client, socket)
			client.Receive([]byte(message))
			socket.want(t, `"janus":"ack"`, `"transaction":"m"`, `"hint":"I'm taking my time!"`)
			socket.want(t, `"janus":"event"`, `"transaction":"m"`)
			socket.quiet(t)
		})
	}
}

// TestRoomstateIsToldWhereAnEdgeHearsOfItsSessions, for sockets; long polls may be at any edge.
func TestRoomstateIsToldWhereAnEdgeHearsOfItsSessions(t *testing.T) {
	told := map[string]string{}
	e := New(&fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		told[cmd.GetSocket().GetId()] = cmd.GetSocket().GetEvents()
		return done, nil
	}}, Options{
		Name: "e", Bundles: "here", AnswerTimeout: time.Second, SocketPending: 8, SocketSessions: 3, Sessions: 100,
	}, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	defer e.Close()
	client, socket := open(e, "a")
	create(t, client, socket)
	e.Ask(t.Context(), "remote", []byte(`{"janus":"create","transaction":"c"}`), 0, 0)
	if want := map[string]string{"a": "here", "http": ""}; !maps.Equal(told, want) {
		t.Errorf("told %v", told)
	}
}

func TestRequestsOfAHandleKeepTheirOrder(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if m := cmd.GetMessage(); m != nil {
			if len(bodies)%3 == 0 {
				time.Sleep(time.Millisecond)
			}
			mu.Lock()
			bodies = append(bodies, string(m.GetBody()))
			mu.Unlock()
			return &busv1.Reply{Outcome: &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Plugin: "p", Data: m.GetBody()}}}, nil
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	create(t, client, socket)
	var all strings.Builder
	for i := range 50 {
		fmt.Fprintf(&all, `{"janus":"message","transaction":"%d","session_id":7,"handle_id":8,"body":{"n":%d}}`, i, i)
	}
	client.Receive([]byte(all.String()))
	for i := range 50 {
		socket.want(t, fmt.Sprintf(`"transaction":"%d"`, i), fmt.Sprintf(`{"n":%d}`, i))
	}
}

func TestEventsAreSentInOrderAndOnce(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }})
	client, socket := open(e, "a")
	create(t, client, socket)
	for _, n := range []uint64{2, 1, 1, 3, 2} {
		e.Hear(event(7, n, "", fmt.Sprint("event ", n)))
	}
	for n := range 3 {
		socket.want(t, fmt.Sprint("event ", n+1))
	}
	socket.quiet(t)
}

func TestAGapIsFetched(t *testing.T) {
	e := start(t, &fakeBus{
		do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
			if cmd.GetTouch() != nil {
				return &busv1.Reply{LastEvent: 2, Outcome: done.GetOutcome()}, nil
			}
			return done, nil
		},
		resume: func(session, after uint64) []*busv1.Event {
			var events []*busv1.Event
			for n := after + 1; n <= 2; n++ {
				events = append(events, event(session, n, "", fmt.Sprint("event ", n)))
			}
			return events
		},
	})
	client, socket := open(e, "a")
	create(t, client, socket)
	client.Receive([]byte(`{"janus":"keepalive","transaction":"k","session_id":7}`))
	socket.want(t, `"ack"`)
	socket.want(t, "event 1")
	socket.want(t, "event 2")
}

func TestClaimMovesEventsToTheNewSocket(t *testing.T) {
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetClaim() != nil {
			return &busv1.Reply{LastEvent: 2, Outcome: &busv1.Reply_Done{Done: &busv1.Done{Missed: []*busv1.Event{
				event(7, 1, "", "event 1"), event(7, 2, "", "event 2"),
			}}}}, nil
		}
		return done, nil
	}})
	first, old := open(e, "a")
	create(t, first, old)
	e.Hear(event(7, 1, "", "event 1"))
	old.want(t, "event 1")

	second, socket := open(e, "b")
	second.Receive([]byte(`{"janus":"claim","transaction":"k","session_id":7}`))
	socket.want(t, `{"janus":"success","session_id":7,"transaction":"k"}`)
	socket.want(t, "event 2") // and not event 1: the old socket had it
	e.Hear(event(7, 3, "", "event 3"))
	socket.want(t, "event 3")
	old.quiet(t)
	first.Close() // is no loss of the session any more
	e.Hear(event(7, 4, "", "event 4"))
	socket.want(t, "event 4")
}

func moved(number uint64, owner string) *busv1.Event {
	return &busv1.Event{SessionId: 7, Number: number, Kind: &busv1.Event_Moved{Moved: &busv1.Moved{Owner: &busv1.Socket{Id: owner}}}}
}

// A client that reconnects may well reach the edge that it was on, and its first socket may still be open. The event
// of the move comes before the claim's answer, or after.
func TestClaimOnTheEdgeThatHasTheSession(t *testing.T) {
	for name, during := range map[string]func(e *Edge, first *Client){
		"the move is heard first":     func(e *Edge, _ *Client) { e.Hear(moved(2, "b")) },
		"the first socket closes":     func(_ *Edge, first *Client) { first.Close() },
		"both":                        func(e *Edge, first *Client) { first.Close(); e.Hear(moved(2, "b")) },
		"an event comes, and a move":  func(e *Edge, _ *Client) { e.Hear(event(7, 3, "", "event 3")); e.Hear(moved(2, "b")) },
		"nothing happens before that": func(*Edge, *Client) {},
	} {
		t.Run(name, func(t *testing.T) {
			var e *Edge
			var first *Client
			e = start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
				if cmd.GetClaim() == nil {
					return done, nil
				}
				during(e, first)
				e.session(7).run(func() {}) // all that was heard has been taken
				return &busv1.Reply{LastEvent: 2, Outcome: &busv1.Reply_Done{Done: &busv1.Done{Missed: []*busv1.Event{
					event(7, 1, "", "event 1"), moved(2, "b"),
				}}}}, nil
			}})
			first, old := open(e, "a")
			create(t, first, old)
			e.Hear(event(7, 1, "", "event 1"))
			old.want(t, "event 1")
			second, socket := open(e, "b")
			second.Receive([]byte(`{"janus":"claim","transaction":"k","session_id":7}`))
			socket.want(t, `"success"`)
			e.Hear(moved(2, "b"))
			e.Hear(event(7, 3, "", "event 3"))
			socket.want(t, "event 3")
			e.Hear(event(7, 4, "", "event 4"))
			socket.want(t, "event 4")
			old.quiet(t)
		})
	}
}

// Moves of the past are no news: the log of a session that went from edge to edge is full of them.
func TestMovesOfThePastEndNothing(t *testing.T) {
	e := start(t, &fakeBus{
		do: func(*busv1.Command, func(string)) (*busv1.Reply, error) {
			return &busv1.Reply{LastEvent: 6, Outcome: &busv1.Reply_Done{Done: &busv1.Done{Missed: []*busv1.Event{
				event(7, 3, "", "event 3"), moved(4, "long gone"), event(7, 5, "", "event 5"), moved(6, "b"),
			}}}}, nil
		},
		resume: func(_, after uint64) []*busv1.Event {
			return []*busv1.Event{moved(4, "long gone"), event(7, 5, "", "event 5"), moved(6, "b"), event(7, 7, "", "event 7")}
		},
	})
	client, socket := open(e, "b")
	client.Receive([]byte(`{"janus":"claim","transaction":"k","session_id":7}`))
	socket.want(t, `"success"`)
	socket.want(t, "event 3")
	socket.want(t, "event 5")
	e.Hear(event(7, 8, "", "event 8")) // 7 was missed, so the log is asked
	socket.want(t, "event 7")
	socket.want(t, "event 8")
	e.Hear(moved(9, "elsewhere"))
	e.Hear(event(7, 10, "", "event 10"))
	socket.quiet(t)
}

func TestClaimOfASessionFromAnotherEdge(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) {
		return &busv1.Reply{LastEvent: 9, Outcome: &busv1.Reply_Done{Done: &busv1.Done{Missed: []*busv1.Event{event(7, 9, "", "event 9")}}}}, nil
	}})
	client, socket := open(e, "b")
	client.Receive([]byte(`{"janus":"claim","transaction":"k","session_id":7}`))
	socket.want(t, `"success"`)
	socket.want(t, "event 9")
	e.Hear(event(7, 10, "", "event 10"))
	socket.want(t, "event 10")
	// Claimed away again: silence from here on.
	e.Hear(&busv1.Event{SessionId: 7, Number: 11, Kind: &busv1.Event_Moved{Moved: &busv1.Moved{Owner: &busv1.Socket{Id: "elsewhere"}}}})
	e.Hear(event(7, 12, "", "event 12"))
	socket.quiet(t)
}

func TestLossOfTheSocketIsTold(t *testing.T) {
	lost := make(chan *busv1.Command, 1)
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetLost() != nil {
			lost <- cmd
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	create(t, client, socket)
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
	client.Close()
	if cmd := <-lost; cmd.GetSessionId() != 7 || cmd.GetSocket().GetId() != "a" || cmd.GetDelivered() != 1 {
		t.Errorf("told %v", cmd)
	}
}

// A claim on another edge may overtake the word of the loss.
func TestWhatWasDeliveredIsKnownUntilTheLossIs(t *testing.T) {
	told, goOn := make(chan struct{}), make(chan struct{})
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetLost() != nil {
			close(told)
			<-goOn
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	create(t, client, socket)
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
	client.Close()
	e.Hear(event(7, 2, "", "event 2")) // for whoever claims
	<-told
	if delivered, ok := e.HearRelease(7); delivered != 1 || !ok {
		t.Errorf("released at %d, %v", delivered, ok)
	}
	close(goOn)
	socket.quiet(t)
	for deadline := time.Now().Add(5 * time.Second); e.session(7) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the session is still held")
		}
	}
}

func TestADrainingEdgeLeavesItsSessionsToBeClaimed(t *testing.T) {
	told := 0
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetLost() != nil {
			told++
			if !cmd.GetLost().GetByEdge() || cmd.GetDelivered() != 1 {
				t.Errorf("told %v", cmd)
			}
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	create(t, client, socket)
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
	e.Drain()
	client.Close()
	e.Close()
	if told != 1 {
		t.Errorf("told %d times what was delivered", told)
	}
}

func TestErrorsOfRoomstateAreJanusErrors(t *testing.T) {
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetSessionId() == 9 {
			return nil, fault.Newf(fault.SessionNotFound, "No such session 9")
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	// A request that is unsound asks first whether there is such a session.
	client.Receive([]byte(`{"janus":"attach","transaction":"t","session_id":9}`))
	socket.want(t, `"session_id":9`, `"code":458`, "No such session 9")
	client.Receive([]byte(`{"janus":"attach","transaction":"t","session_id":8}`))
	socket.want(t, `"code":456`)
}

func TestSessionsOfASocketAreLimited(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }})
	client, socket := open(e, "a")
	for range 3 {
		client.Receive([]byte(`{"janus":"create","transaction":"c"}`))
		socket.want(t, `"success"`)
	}
	client.Receive([]byte(`{"janus":"create","transaction":"c"}`))
	socket.want(t, `"error"`, "Too many sessions")
}

func TestARandomIDThatIsTakenIsRolledAgain(t *testing.T) {
	tries := 0
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) {
		if tries++; tries < 3 {
			return nil, fault.New(fault.SessionIDInUse, nil)
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	client.Receive([]byte(`{"janus":"create","transaction":"c"}`))
	socket.want(t, `"success"`)
	if tries != 3 {
		t.Errorf("%d tries", tries)
	}
}

func TestAWrongSecretIsRefusedBeforeAnythingIsLookedUp(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { t.Error("asked"); return done, nil }})
	e.opt.Auth.Secret = reread.Fixed("right")
	client, socket := open(e, "a")
	client.Receive([]byte(`{"janus":"create","transaction":"c","apisecret":"wrong"}`))
	socket.want(t, `"code":403`)
	client.Receive([]byte(`{"janus":"keepalive","session_id":9,"transaction":"c"}`))
	socket.want(t, `"code":403`)
	client.Receive([]byte(`{"janus":"ping","transaction":"c"}`))
	socket.want(t, `"pong"`)
	client.Receive([]byte(`{"janus":"info","transaction":"i"}`))
	socket.want(t, `"server_info"`, `"session-timeout":60`, `"name":"Cardea"`, `"transaction":"i"`)
}

func TestASessionDestroyedElsewhereIsForgotten(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }})
	client, socket := open(e, "a")
	create(t, client, socket)
	e.Hear(&busv1.Event{SessionId: 7, Number: 1, Kind: &busv1.Event_Ended{Ended: &busv1.Ended{}}})
	e.Hear(event(7, 2, "", "of another session with the same id"))
	socket.quiet(t)
	create(t, client, socket) // the id is free here as well
}

func TestAnIDIsFreeAsSoonAsItsSessionIsDestroyed(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }})
	client, socket := open(e, "a")
	create(t, client, socket)
	client.Receive([]byte(`{"janus":"destroy","transaction":"d","session_id":7}{"janus":"create","transaction":"c","id":7}`))
	socket.want(t, `"success"`, `"transaction":"d"`)
	socket.want(t, `"success"`, `"transaction":"c"`)
}

func TestTheEndOfASessionLeavesTheNextOneWithItsID(t *testing.T) {
	var e *Edge
	var destroy string
	e = start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetDestroy() != nil {
			destroy = cmd.GetId()
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	create(t, client, socket)
	client.Receive([]byte(`{"janus":"destroy","transaction":"d","session_id":7}{"janus":"create","transaction":"c","id":7}`))
	socket.want(t, `"transaction":"d"`)
	socket.want(t, `"transaction":"c"`)
	e.Hear(&busv1.Event{SessionId: 7, Number: 1, CommandId: destroy, Kind: &busv1.Event_Ended{Ended: &busv1.Ended{}}})
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
}

func TestAClaimAsksTheFormerEdgeWhatItHasSent(t *testing.T) {
	var told uint64
	e := start(t, &fakeBus{released: 5, do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		told = cmd.GetDelivered()
		return &busv1.Reply{LastEvent: 6, Outcome: &busv1.Reply_Done{Done: &busv1.Done{Missed: []*busv1.Event{event(7, 6, "", "event 6")}}}}, nil
	}})
	client, socket := open(e, "b")
	client.Receive([]byte(`{"janus":"claim","transaction":"k","session_id":7}`))
	socket.want(t, `"success"`)
	socket.want(t, "event 6")
	if told != 5 {
		t.Errorf("told %d", told)
	}
}

func TestAReleasedSessionIsSilentUntilItMoves(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }})
	client, socket := open(e, "a")
	create(t, client, socket)
	e.Hear(event(7, 1, "", "event 1"))
	socket.want(t, "event 1")
	if delivered, ok := e.HearRelease(7); delivered != 1 || !ok {
		t.Errorf("released at %d, %v", delivered, ok)
	}
	e.Hear(event(7, 2, "", "event 2"))
	e.Hear(&busv1.Event{SessionId: 7, Number: 3, Kind: &busv1.Event_Moved{Moved: &busv1.Moved{Owner: &busv1.Socket{Id: "elsewhere"}}}})
	socket.quiet(t)
	if _, ok := e.HearRelease(7); ok {
		t.Error("still held")
	}
}

func TestAMalformedTrickleIsAnErrorOnlyOnceNegotiated(t *testing.T) {
	negotiated := false
	e := start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetTrickle().GetMalformed() && negotiated {
			return nil, fault.New(fault.BadTrickle, nil)
		}
		return done, nil
	}})
	client, socket := open(e, "a")
	const trickle = `{"janus":"trickle","transaction":"t","session_id":7,"handle_id":8,"candidate":{"sdpMid":null}}`
	client.Receive([]byte(trickle))
	socket.want(t, `"ack"`)
	negotiated = true
	client.Receive([]byte(trickle))
	socket.want(t, `"code":467`, "Trickle error")
}

func TestWhatASynchronousRequestRaisesComesBeforeItsAnswer(t *testing.T) {
	var e *Edge
	e = start(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetMessage() == nil {
			return done, nil
		}
		time.AfterFunc(5*time.Millisecond, func() { e.Hear(event(7, 1, "", "destroyed")) })
		return &busv1.Reply{LastEvent: 1, Outcome: &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Plugin: "p", Data: []byte(`{}`)}}}, nil
	}})
	client, socket := open(e, "a")
	create(t, client, socket)
	client.Receive([]byte(message))
	socket.want(t, "destroyed")
	socket.want(t, `"success"`)
}

func TestPipelinedCreatesKeepTheLimit(t *testing.T) {
	e := start(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) {
		time.Sleep(time.Millisecond)
		return done, nil
	}})
	client, socket := open(e, "a")
	client.Receive([]byte(strings.Repeat(`{"janus":"create","transaction":"c"}`, 8)))
	made := 0
	for range 8 {
		if strings.Contains(socket.next(t), `"success"`) {
			made++
		}
	}
	if made != 3 {
		t.Errorf("%d sessions were made", made)
	}
}
