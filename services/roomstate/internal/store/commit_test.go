package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// acting are sessions 1 to that, each with the handle 2.
const acting = 6

func withSessions(t *testing.T, st *Store) {
	t.Helper()
	for id := range uint64(acting) {
		cmd := &busv1.Command{SessionId: id + 1, Socket: &busv1.Socket{Id: fmt.Sprint("s", id), Events: fmt.Sprint("edge ", id%2)}}
		if err := st.Create(t.Context(), cmd, timeout, 0, start, []byte("yes")); err != nil {
			t.Fatal(err)
		}
		h := plugin.Handle{ID: plugin.HandleID{Session: id + 1, Handle: 2}, Plugin: "p"}
		if err := st.Attach(t.Context(), &busv1.Command{SessionId: id + 1}, h, 0, []byte("yes")); err != nil {
			t.Fatal(err)
		}
	}
}

// someWrites are of the room "r", by different sessions, and of all that a write can be but Alone.
func someWrites(rng *rand.Rand) []*Write {
	var all []*Write
	says := func(n int) *busv1.Event {
		return &busv1.Event{Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: "p", Data: fmt.Appendf(nil, `{"n":%d}`, n)}}}
	}
	for i, session := range rng.Perm(acting)[:1+rng.IntN(acting)] {
		chance := func() bool { return rng.IntN(3) == 0 }
		w := &Write{
			Command: fmt.Sprint("c", i), Answer: fmt.Appendf(nil, "answer %d", i), Room: "r",
			Handle: plugin.Handle{ID: plugin.HandleID{Session: uint64(session + 1), Handle: 2}, Plugin: "p"},
			Enter:  chance(), Over: chance(),
		}
		if chance() {
			w.Answer = nil
		}
		w.Bound = chance()
		w.Gone = !w.Bound && chance()
		if chance() {
			w.Scatter = 3
		}
		if chance() {
			w.Parted = []plugin.HandleID{{Session: uint64(rng.IntN(acting) + 1), Handle: 2}}
		}
		if !chance() {
			w.Result = plugin.Result{Next: room{}, Set: map[string][]byte{}, Delete: []string{fmt.Sprint("f", rng.IntN(4))}}
			w.Result.Set[fmt.Sprint("f", 4+rng.IntN(4))] = fmt.Append(nil, i)
			if chance() {
				w.Result.Set[fmt.Sprint("f", rng.IntN(2))], w.Result.Delete = fmt.Append(nil, i), nil
			}
			if chance() {
				w.Result.Index = fmt.Append(nil, "entry ", i)
			}
		}
		if chance() {
			w.Tasks = []plugin.Task{{Close: &plugin.Close{Node: "n", Handle: w.Handle.ID, Generation: 1}}}
		}
		for _, peers := range []*[]plugin.PeerKey{&w.Made, &w.Lost} {
			if chance() {
				*peers = append(*peers, plugin.PeerKey{Node: "n", Handle: plugin.HandleID{Session: uint64(rng.IntN(3)), Handle: 2}, Generation: 1})
			}
		}
		told := says(10 * i)
		for to := range uint64(acting + 1) { // one of them is not there
			for n := range rng.IntN(3) {
				e := &busv1.Event{SessionId: to + 1, HandleId: 2, Kind: told.Kind}
				if n > 0 {
					e.Kind = says(10*i + n).Kind
				}
				if w.Handle.ID.Session == to+1 && chance() {
					e.CommandId, e.Transaction = w.Command, "t"
				}
				w.Events = append(w.Events, e)
			}
		}
		all = append(all, w)
	}
	return all
}

var versions = regexp.MustCompile(`version: "[A-Z2-7]+"`)

// TestWritesTogetherAreLikeWritesOneAfterAnother compares all that is in Redis, and all that is told of it.
func TestWritesTogetherAreLikeWritesOneAfterAnother(t *testing.T) {
	for seed := range uint64(60) {
		var dumps []string
		var told [2][]*busv1.Event
		var tasks [2][]string
		for i, together := range []bool{false, true} {
			st, m := open(t)
			m.SetTime(start)
			withSessions(t, st)
			made, err := st.Commit(t.Context(), start, &Write{
				Command: "make", Handle: plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}, Plugin: "p"}, Room: "r",
				Result: plugin.Result{Next: room{}, Set: map[string][]byte{"f0": []byte("0"), "f1": []byte("1"), "f2": []byte("2")}, Index: []byte("made")},
			})
			if err != nil {
				t.Fatal(err)
			}
			writes := someWrites(rand.New(rand.NewPCG(seed, 1)))
			version := made.Version
			commit := func(some ...*Write) {
				some[0].Read = version
				o, err := st.Commit(t.Context(), start, some...)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				version = o.Version
				for j, c := range o.Each {
					for _, task := range c.Tasks {
						tasks[i] = append(tasks[i], task.text)
					}
					for _, e := range some[j].Events {
						if w := some[j]; e.GetSessionId() == w.Handle.ID.Session && !w.Over && c.LastEvent < e.GetNumber() {
							t.Errorf("seed %d: the last event is %d, and there is %v", seed, c.LastEvent, e)
						}
					}
				}
				for _, run := range o.Raised.Runs {
					if run.First == 0 {
						continue
					}
					if want := fmt.Sprint("edge ", (run.Session-1)%2); run.Edge != want {
						t.Errorf("seed %d: events of session %d go to %q", seed, run.Session, run.Edge)
					}
					for k, e := range run.Events() {
						read := new(busv1.Event)
						if err := proto.Unmarshal(o.Raised.Encoded(&run, k), read); err != nil || !proto.Equal(read, e) {
							t.Errorf("seed %d: %v is encoded as %v, %v", seed, e, read, err)
						}
						if own := run.By >= 0; own && e.GetSessionId() != some[run.By].Handle.ID.Session {
							t.Errorf("seed %d: %v is not the session's that acts", seed, e)
						}
					}
				}
				for _, w := range some {
					told[i] = append(told[i], w.Events...)
				}
			}
			if together {
				commit(writes...)
			} else {
				for _, w := range writes {
					commit(w)
				}
			}
			fields, read, err := st.LoadRoom(t.Context(), "r")
			if err != nil || read != version {
				t.Errorf("seed %d: version %q, %v of %v", seed, read, err, fields)
			}
			for _, w := range writes { // what each raised is kept in no order
				key := prefix + "answer:" + w.Command
				if kept, err := m.Get(key); err == nil {
					raised, answer, _ := strings.Cut(kept, "\n")
					all := strings.Fields(raised)
					slices.Sort(all)
					_ = m.Set(key, strings.Join(all, " ")+"\n"+answer)
				}
			}
			dumps = append(dumps, versions.ReplaceAllString(m.Dump(), "version"))
		}
		if dumps[0] != dumps[1] {
			t.Errorf("seed %d: one after another:\n%s\ntogether:\n%s", seed, dumps[0], dumps[1])
		}
		if !slices.EqualFunc(told[0], told[1], func(a, b *busv1.Event) bool { return proto.Equal(a, b) }) {
			t.Errorf("seed %d: one after another %v, together %v", seed, told[0], told[1])
		}
		for i := range tasks {
			slices.Sort(tasks[i]) // those that the script makes come after those that were given to it
		}
		if !slices.Equal(tasks[0], tasks[1]) {
			t.Errorf("seed %d: %q, and together %q", seed, tasks[0], tasks[1])
		}
	}
}

// TestOneThatIsRefusedIsNamedAndNothingIsWritten, of several writes.
func TestOneThatIsRefusedIsNamedAndNothingIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *Write)
		want  func(err error) bool
	}{
		"its session is gone": {func(w *Write) { w.Handle.ID.Session = 99 }, func(err error) bool { return errors.Is(err, ErrNoSession) }},
		"its handle is gone":  {func(w *Write) { w.Handle.ID.Handle = 99 }, func(err error) bool { return errors.Is(err, ErrNoHandle) }},
		"it was answered": {func(w *Write) { w.Command = "make" }, func(err error) bool {
			answered, ok := errors.AsType[*AnsweredError](err)
			return ok && string(answered.Answer) == "made"
		}},
	} {
		st, m := open(t)
		withSessions(t, st)
		write := func(id string, session uint64) *Write {
			return &Write{
				Command: id, Answer: []byte("made"), Handle: plugin.Handle{ID: plugin.HandleID{Session: session, Handle: 2}, Plugin: "p"}, Room: "r",
				Result: plugin.Result{Next: room{}, Set: map[string][]byte{"f": []byte(id)}}, Events: []*busv1.Event{event(1), event(2)},
			}
		}
		made, err := st.Commit(t.Context(), start, write("make", 1))
		if err != nil {
			t.Fatal(err)
		}
		before := m.Dump()
		writes := []*Write{write("a", 1), write("b", 2), write("c", 3)}
		writes[0].Read = made.Version
		c.spoil(writes[1])
		_, err = st.Commit(t.Context(), start, writes...)
		if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Index != 1 || !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if after := m.Dump(); after != before {
			t.Errorf("%s: before %s, after %s", name, before, after)
		}
		if _, err = st.Commit(t.Context(), start, writes[0], writes[2]); err != nil {
			t.Errorf("%s: without it: %v", name, err)
		}
	}
}

// TestEventsGoToNoEdgeThatIsNotTheOwners: who knows nothing of bundles may have made another socket the owner.
func TestEventsGoToNoEdgeThatIsNotTheOwners(t *testing.T) {
	st, m := open(t)
	withSessions(t, st)
	edge := func(id string) string {
		w := Write{Command: id, Handle: plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}}, Events: []*busv1.Event{event(1)}}
		o, err := st.Commit(t.Context(), start, &w)
		if err != nil {
			t.Fatal(err)
		}
		return o.Raised.Runs[0].Edge
	}
	if got := edge("1"); got != "edge 0" {
		t.Errorf("the owner's is %q", got)
	}
	m.HSet(prefix+"session:1", "socket_id", "another")
	if got := edge("2"); got != "" {
		t.Errorf("another's is %q", got)
	}
	claim := &busv1.Command{SessionId: 1, Socket: &busv1.Socket{Id: "x", Events: "edge 7"}}
	if _, err := st.Claim(t.Context(), claim, timeout, start); err != nil {
		t.Fatal(err)
	}
	if got := edge("3"); got != "edge 7" {
		t.Errorf("who claimed is %q", got)
	}
}
