package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// counter is a plugin whose rooms count commands, and tell everybody of each.
type counter struct{ sessions int }

func (counter) Name() string                      { return "counter" }
func (counter) Route(plugin.Command) plugin.Route { return plugin.Route{} }

func (c counter) Load(name string, fields map[string]string) (plugin.Room, error) {
	n, err := strconv.Atoi(fields["n"])
	if len(fields) > 0 && err != nil {
		return nil, err
	}
	return counted{c, n, fields["last"], len(fields) > 0}, nil
}

// counted is a room of it.
type counted struct {
	counter
	n      int
	last   string // command
	exists bool
}

// said is what everybody is told.
type said struct {
	N  int    `json:"n"`
	By string `json:"by"`
}

func (r counted) Apply(t *plugin.Turn) plugin.Result {
	switch body := string(t.Command.GetMessage().GetBody()); {
	case body == "drop":
		return plugin.Result{Next: counted{r.counter, 0, "", false}, Drop: r.exists}
	case body == "read":
		t.Reply = fmt.Append(nil, r.n)
		return plugin.Result{}
	case body == "refuse":
		t.Failure = fault.Newf(fault.BadTrickle, "%d", r.n)
		return plugin.Result{}
	case r.last == t.Command.GetId():
		t.Reply = []byte("{}") // as of who joins a second time
		return plugin.Result{}
	case body == "ask":
		if _, ok := t.Ask(plugin.Question{Place: true}); !ok {
			return plugin.Result{}
		}
	}
	r.n++
	b, _ := json.Marshal(said{r.n, t.Command.GetId()})
	kind := &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: "counter", Data: b}}
	for i := range r.sessions {
		t.Emit(plugin.HandleID{Session: uint64(i + 1), Handle: 2}, &busv1.Event{Kind: kind})
	}
	t.Reply = b
	t.Texts = append(t.Texts, plugin.Text{Text: []byte(t.Command.GetId())})
	r.last, r.exists = t.Command.GetId(), true
	return plugin.Result{Next: r, Set: map[string][]byte{"n": fmt.Append(nil, r.n), "last": []byte(r.last)}}
}

// mishaps is a store with which things go wrong.
type mishaps struct {
	*store.Store
	before  func(writes []*store.Write) error // of a commit; an error and it is not made
	after   func() error                      // the answer is lost
	twice   func() bool                       // and the request repeated at once, as by Redis's client
	batches atomic.Int32                      // commits of several
	largest atomic.Int32
}

func (m *mishaps) Commit(ctx context.Context, now time.Time, writes ...*store.Write) (store.Outcome, error) {
	if len(writes) > 1 {
		m.batches.Add(1)
		m.largest.Store(max(m.largest.Load(), int32(len(writes))))
	}
	if m.before != nil {
		if err := m.before(writes); err != nil {
			return store.Outcome{}, err
		}
	}
	o, err := m.Store.Commit(ctx, now, writes...)
	if err == nil && m.twice != nil && m.twice() {
		return m.Store.Commit(ctx, now, writes...)
	}
	if err == nil && m.after != nil {
		if err := m.after(); err != nil {
			return store.Outcome{}, err
		}
	}
	return o, err
}

// anyNode is where everything is placed.
type anyNode struct{}

func (anyNode) Alive(string) bool                                                  { return true }
func (anyNode) Place(context.Context, plugin.Question) (string, error)             { return "n", nil }
func (anyNode) Call(context.Context, string, proto.Message) (proto.Message, error) { return nil, nil }

// stage is a keeper with a real store, and sessions that have a handle each.
type stage struct {
	*testing.T
	store    *store.Store
	sessions int
	stale    atomic.Int32

	mu    sync.Mutex
	heard map[uint64][]*busv1.Event
	texts []string
}

func newStage(t *testing.T, sessions int) *stage {
	t.Helper()
	st, err := store.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s := &stage{T: t, store: st, sessions: sessions, heard: map[uint64][]*busv1.Event{}}
	for i := range uint64(sessions) {
		cmd := &busv1.Command{SessionId: i + 1, Socket: &busv1.Socket{Id: fmt.Sprint("s", i), Events: "edge"}}
		if err := st.Create(t.Context(), cmd, store.Timeouts{}, 0, time.Now(), nil); err != nil {
			t.Fatal(err)
		}
		if err := st.Attach(t.Context(), cmd, plugin.Handle{ID: plugin.HandleID{Session: i + 1, Handle: 2}, Plugin: "counter"}, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *stage) keeper(st rooms) *Keeper {
	return &Keeper{
		Store: st, Nodes: anyNode{}, Plugins: map[string]plugin.Plugin{"counter": counter{s.sessions}},
		Publish: func(r *store.Raised) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, run := range r.Runs {
				s.heard[run.Session] = append(s.heard[run.Session], run.Events()...)
			}
		},
		Send: func(texts []plugin.Text) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, one := range texts {
				s.texts = append(s.texts, string(one.Text))
			}
		},
		Owe: func([]store.OwedTask) {}, Stale: func() { s.stale.Add(1) }, Log: slog.New(slog.DiscardHandler),
	}
}

func command(id string, session uint64, body string) plugin.Command {
	return plugin.Command{
		Command: &busv1.Command{Id: id, SessionId: session, HandleId: 2, Verb: &busv1.Command_Message{Message: &busv1.Message{Body: []byte(body)}}},
		Handle:  plugin.Handle{ID: plugin.HandleID{Session: session, Handle: 2}, Plugin: "counter"},
	}
}

// do repeats a command until it is answered, as edges do, and returns what the answer says.
func (s *stage) do(k *Keeper, cmd plugin.Command) (n said, again int) {
	for ; again < 1000; again++ {
		reply, err := k.Do(s.Context(), cmd, "counter/r")
		if answered, ok := errors.AsType[*store.AnsweredError](err); ok {
			reply = new(busv1.Reply)
			if err = proto.Unmarshal(answered.Answer, reply); err != nil {
				s.Error(err)
			}
		}
		if errors.Is(err, store.ErrAway) {
			continue
		}
		if err != nil {
			s.Errorf("%s: %v", cmd.GetId(), err)
			return n, again
		}
		_ = json.Unmarshal(reply.GetPlugin().GetData(), &n)
		return n, again
	}
	s.Errorf("%s is never answered", cmd.GetId())
	return n, again
}

// log returns what a session was told, in order, as it is kept.
func (s *stage) log(session uint64) (all []said) {
	events, err := s.store.Events(s.Context(), session, 0)
	if err != nil {
		s.Fatal(err)
	}
	for i, e := range events {
		var one said
		if err := json.Unmarshal(e.GetPlugin().GetData(), &one); err != nil || e.GetNumber() != uint64(i+1) {
			s.Errorf("session %d: event %d is %v, %v", session, i+1, e, err)
		}
		all = append(all, one)
	}
	return all
}

// hold has the first commit wait until others have come, how many is for the test to say.
func hold() (before func([]*store.Write) error, held, release chan struct{}) {
	held, release = make(chan struct{}), make(chan struct{})
	var once sync.Once
	return func([]*store.Write) error {
		once.Do(func() {
			close(held)
			<-release
		})
		return nil
	}, held, release
}

// decided waits until n decisions wait for the commit that is under way.
func decided(k *Keeper, n int) {
	for {
		k.mu.Lock()
		e := k.known["counter/r"]
		k.mu.Unlock()
		e.mu.Lock()
		next := e.next
		there := next != nil && len(next.decisions) == n
		e.mu.Unlock()
		if there {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestCommandsThatComeMeanwhileAreWrittenTogether, each as if it had been alone.
func TestCommandsThatComeMeanwhileAreWrittenTogether(t *testing.T) {
	const people = 6
	s := newStage(t, people)
	s.do(s.keeper(s.store), command("make", 1, "count"))
	st := &mishaps{Store: s.store}
	var held, release chan struct{}
	st.before, held, release = hold()
	k := s.keeper(st)
	got := make([]said, people+1)
	var wg sync.WaitGroup
	wg.Go(func() { got[0], _ = s.do(k, command("first", 1, "count")) })
	<-held
	for i := range people {
		cmd := command(fmt.Sprint("c", i), uint64(i+1), "count")
		cmd.Socket = &busv1.Socket{Events: "edge"}
		wg.Go(func() {
			reply, err := k.Do(t.Context(), cmd, "counter/r")
			if err != nil {
				t.Error(err)
				return
			}
			_ = json.Unmarshal(reply.GetPlugin().GetData(), &got[i+1])
			// The edge that asked is told with the answer, and of its own session by that alone.
			if r := reply.GetRaised(); len(r) != 1 || r[0].GetNumber() > reply.GetLastEvent() || string(r[0].GetPlugin().GetData()) != string(reply.GetPlugin().GetData()) {
				t.Errorf("with the answer %v comes %v", reply, r)
			}
		})
		decided(k, i+1)
	}
	// What goes by them is answered no sooner than they are written.
	read := make(chan *busv1.Reply, 1)
	wg.Go(func() {
		reply, err := k.Do(t.Context(), command("read", 1, "read"), "counter/r")
		if err != nil {
			t.Error(err)
		}
		read <- reply
	})
	refused := make(chan error, 1)
	wg.Go(func() {
		_, err := k.Do(t.Context(), command("refuse", 1, "refuse"), "counter/r")
		refused <- err
	})
	select {
	case <-read:
		t.Error("an answer tells of what is not written")
	case <-refused:
		t.Error("a refusal goes by what is not written")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	wg.Wait()
	if r := <-read; string(r.GetPlugin().GetData()) != "8" {
		t.Errorf("read %v", r)
	}
	if err := <-refused; fault.Text(err) != "8" {
		t.Errorf("refused: %v", err)
	}
	if st.batches.Load() != 1 || st.largest.Load() != people {
		t.Errorf("%d batches, of %d at most", st.batches.Load(), st.largest.Load())
	}
	for i, g := range got {
		if g.N != i+2 {
			t.Errorf("command %d was given %+v", i, g)
		}
	}
	for id := range uint64(people) {
		log := s.log(id + 1)
		for i, one := range log {
			if one.N != i+1 {
				t.Errorf("session %d: %+v", id+1, log)
				break
			}
		}
		if len(log) != people+2 {
			t.Errorf("session %d was told %d times", id+1, len(log))
		}
		if n := len(s.heard[id+1]); n != people+1 { // all but what came with the answer to its own
			t.Errorf("session %d: %d events were published", id+1, n)
		}
	}
}

// TestABatchIsBounded, and what does not fit comes with the next; a session has one command in each.
func TestABatchIsBounded(t *testing.T) {
	const people = store.MostTogether + 5
	s := newStage(t, people)
	s.do(s.keeper(s.store), command("make", 1, "count"))
	st := &mishaps{Store: s.store}
	var held, release chan struct{}
	st.before, held, release = hold()
	k := s.keeper(st)
	var wg sync.WaitGroup
	wg.Go(func() { s.do(k, command("first", 1, "count")) })
	<-held
	for i := range people {
		wg.Go(func() { s.do(k, command(fmt.Sprint("c", i), uint64(i+1), "count")) })
		if i < store.MostTogether {
			decided(k, i+1)
		}
	}
	wg.Go(func() { s.do(k, command("second of 1", 1, "count")) })
	close(release)
	wg.Wait()
	if n := st.largest.Load(); n != store.MostTogether {
		t.Errorf("%d were written together", n)
	}
	if n := len(s.log(1)); n != people+3 {
		t.Errorf("%d commands took effect", n)
	}
}

// TestWhatARoomBeginsOrEndsWithIsWrittenAlone.
func TestWhatARoomBeginsOrEndsWithIsWrittenAlone(t *testing.T) {
	s := newStage(t, 5)
	s.do(s.keeper(s.store), command("make", 1, "count"))
	st := &mishaps{Store: s.store}
	var held, release chan struct{}
	st.before, held, release = hold()
	k := s.keeper(st)
	var wg sync.WaitGroup
	wg.Go(func() { s.do(k, command("first", 1, "count")) })
	<-held
	wg.Go(func() { s.do(k, command("second", 2, "count")) })
	decided(k, 1)
	wg.Go(func() { s.do(k, command("drop", 3, "drop")) })
	close(release)
	wg.Wait()
	if st.batches.Load() != 0 {
		t.Error("it was written with others")
	}
	if fields, version, err := s.store.LoadRoom(t.Context(), "counter/r"); err != nil || version != "" {
		t.Errorf("the room is %v, %v", fields, err)
	}
	if got, _ := s.do(k, command("again", 4, "count")); got.N != 1 {
		t.Errorf("the next room begins with %+v", got)
	}
}

// TestOneThatIsRefusedTakesNobodyWithIt, of those that would be written together.
func TestOneThatIsRefusedTakesNobodyWithIt(t *testing.T) {
	s := newStage(t, 4)
	s.do(s.keeper(s.store), command("make", 1, "count"))
	st := &mishaps{Store: s.store}
	var held, release chan struct{}
	st.before, held, release = hold()
	k := s.keeper(st)
	var wg sync.WaitGroup
	wg.Go(func() { s.do(k, command("first", 1, "count")) })
	<-held
	for i, session := range []uint64{2, 99, 3} {
		wg.Go(func() {
			if session != 99 {
				s.do(k, command(fmt.Sprint("c", session), session, "count"))
				return
			}
			if _, err := k.Do(t.Context(), command("gone", session, "count"), "counter/r"); !errors.Is(err, store.ErrNoSession) {
				t.Errorf("of a session that is gone: %v", err)
			}
		})
		decided(k, i+1)
	}
	close(release)
	wg.Wait()
	for _, one := range s.log(4) {
		if one.By == "gone" {
			t.Error("it took effect")
		}
	}
	if n := len(s.log(4)); n != 4 {
		t.Errorf("%d took effect", n)
	}
}

// TestCommandsTakeEffectOnceWhateverBecomesOfTheirBatch: commits that are not made, whose answers are lost, and whose room has
// another owner for a moment; commands are repeated as by edges.
func TestCommandsTakeEffectOnceWhateverBecomesOfTheirBatch(t *testing.T) {
	const people, each = 12, 15
	s := newStage(t, people)
	s.do(s.keeper(s.store), command("make", 1, "count"))
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	chance := func(in int) bool {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(in) == 0
	}
	st := &mishaps{Store: s.store}
	var lost, failed, doubled atomic.Int32
	st.before = func(w []*store.Write) error {
		time.Sleep(time.Millisecond) // others come
		if chance(8) {
			failed.Add(1)
			return store.ErrAway
		}
		return nil
	}
	st.after = func() error {
		if chance(8) {
			lost.Add(1)
			return store.ErrAway
		}
		return nil
	}
	st.twice = func() bool {
		if !chance(8) {
			return false
		}
		doubled.Add(1)
		return true
	}
	k, other := s.keeper(st), s.keeper(s.store) // the other owns the room too, it believes
	var wg sync.WaitGroup
	var repeats atomic.Int32
	got := map[string]int{"make": 1}
	for i := range people {
		wg.Go(func() {
			for j := range each {
				to, id := k, fmt.Sprintf("%d-%d", i, j)
				if chance(10) {
					to = other
				}
				body := "count"
				if chance(5) {
					body = "ask"
				}
				answer, again := s.do(to, command(id, uint64(i+1), body))
				repeats.Add(int32(again))
				mu.Lock()
				if got[id] = answer.N; answer.By != id {
					t.Errorf("%s is answered with %+v", id, answer)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	want := s.log(1)
	if len(want) != people*each+1 {
		t.Errorf("%d events of %d commands", len(want), people*each+1)
	}
	for i, one := range want {
		if one.N != i+1 || got[one.By] != one.N {
			t.Errorf("event %d is %+v, answered was %d", i+1, one, got[one.By])
		}
	}
	for id := range uint64(people) {
		if log := s.log(id + 1); !slices.Equal(log, want) {
			t.Errorf("sessions 1 and %d were told different things: %v, %v", id+1, want, log)
		}
	}
	for _, one := range want {
		if n := len(slices.DeleteFunc(slices.Clone(s.texts), func(text string) bool { return text != one.By })); n != 1 {
			t.Errorf("%d texts of %s", n, one.By)
		}
	}
	if doubled.Load() == 0 || st.batches.Load() == 0 || s.stale.Load() == 0 || lost.Load() == 0 || failed.Load() == 0 || repeats.Load() == 0 {
		t.Errorf("%d batches, %d stale, %d answers lost, %d not made, %d repeated: the test shows nothing",
			st.batches.Load(), s.stale.Load(), lost.Load(), failed.Load(), repeats.Load())
	}
}

// TestARoomRestsAfterItHasToldMany: what is decided then is written together, when that is over, and what cannot wait before it.
func TestARoomRestsAfterItHasToldMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntry()
		decide := func(session uint64) *decision {
			return &decision{write: &store.Write{Handle: plugin.Handle{ID: plugin.HandleID{Session: session}}}}
		}
		add := func(d *decision, alone bool) *batch {
			t.Helper()
			b, err := e.add(d, e.last(), alone)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		first := add(decide(1), false)
		if e.flight != first {
			t.Error("the first waits")
		}
		rest := time.Now().Add(time.Second)
		e.land(first, "v", nil, rest)
		if b := add(decide(1), true); e.flight != b {
			t.Error("what is written alone waits for nothing")
		} else {
			e.land(b, "w", nil, rest)
		}
		d := decide(1)
		b := add(d, false)
		if other := add(decide(2), false); other != b || e.flight != nil || !d.first {
			t.Error("what comes meanwhile is not written together")
		}
		<-b.turn
		e.rested(b)
		if now := time.Now(); e.flight != b || !now.Equal(rest) || d.write.Read != "w" {
			t.Errorf("at %v it is %v that is written, on %q", now, e.flight, d.write.Read)
		}
	})
}
