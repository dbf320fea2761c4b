package store

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	start   = time.Unix(1_700_000_000, 0)
	timeout = Timeouts{Session: time.Minute}
)

func open(t *testing.T) (*Store, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.RunT(t)
	st, err := Open("redis://" + m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st, m
}

// withHandle makes session 1 with handle 2.
func withHandle(t *testing.T, st *Store) plugin.Handle {
	t.Helper()
	cmd := &busv1.Command{Id: "create", SessionId: 1, Socket: &busv1.Socket{Id: "a"}}
	if err := st.Create(t.Context(), cmd, timeout, 0, start, []byte("yes")); err != nil {
		t.Fatal(err)
	}
	h := plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}, Plugin: "p"}
	if err := st.Attach(t.Context(), &busv1.Command{Id: "attach", SessionId: 1}, h, 0, []byte("yes")); err != nil {
		t.Fatal(err)
	}
	return h
}

// What is armed goes once, and with its handle.
func TestCapturesAreTakenOnce(t *testing.T) {
	st, _ := open(t)
	h := withHandle(t, st)
	r := &mediav1.StartCaptureRequest{SessionId: 1, HandleId: 2, Folder: "a", Text: true}
	for _, c := range []struct {
		session, handle uint64
		want            error
	}{{1, 2, nil}, {1, 2, ErrTaken}, {1, 3, ErrNoHandle}, {4, 2, ErrNoSession}} {
		r := &mediav1.StartCaptureRequest{SessionId: c.session, HandleId: c.handle, Folder: "a", Text: true}
		if err := st.ArmCapture(t.Context(), r); !errors.Is(err, c.want) {
			t.Errorf("arm %d/%d: %v", c.session, c.handle, err)
		}
	}
	record, err := st.Session(t.Context(), 1)
	if err != nil || !proto.Equal(record.Captures[2], r) || len(record.Handles) != 1 {
		t.Errorf("session %v, %v", record, err)
	}
	for _, want := range []*mediav1.StartCaptureRequest{r, nil} {
		if got, err := st.TakeCapture(t.Context(), h.ID); err != nil || !proto.Equal(got, want) {
			t.Errorf("took %v, %v, want %v", got, err, want)
		}
	}
	if err := st.ArmCapture(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Commit(t.Context(), start, &Write{Command: "detach", Answer: []byte("a"), Handle: h, Gone: true}); err != nil {
		t.Fatal(err)
	}
	if got, err := st.TakeCapture(t.Context(), h.ID); err != nil || got != nil {
		t.Errorf("of a handle that is gone there is %v, %v", got, err)
	}
}

func event(session uint64) *busv1.Event { return &busv1.Event{SessionId: session} }

func TestCommandThatWasAnsweredIsNotDoneAgain(t *testing.T) {
	st, _ := open(t)
	h := withHandle(t, st)
	w := Write{Command: "c", Answer: []byte("the answer"), Handle: h, Events: []*busv1.Event{event(1)}}
	if _, err := st.Commit(t.Context(), start, &w); err != nil {
		t.Fatal(err)
	}
	_, err := st.Commit(t.Context(), start, &w)
	if answered, ok := errors.AsType[*AnsweredError](err); !ok || string(answered.Answer) != "the answer" {
		t.Errorf("got %v", err)
	}
	_, err = st.Enter(t.Context(), &busv1.Command{Id: "c", SessionId: 1, HandleId: 2}, true, start)
	if _, ok := errors.AsType[*AnsweredError](err); !ok {
		t.Errorf("got %v", err)
	}
	if n, err := st.LastEvent(t.Context(), 1); err != nil || n != 1 {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestWriteThatComesTooLateChangesNothing(t *testing.T) {
	st, _ := open(t)
	h := withHandle(t, st)
	write := func(id, read, value string) (Outcome, error) {
		return st.Commit(t.Context(), start, &Write{
			Command: id, Answer: []byte("x"), Handle: h, Room: "r", Read: read, Events: []*busv1.Event{event(1)},
			Result: plugin.Result{Next: room{}, Set: map[string][]byte{"f": []byte(value)}, Index: []byte("entry")},
		})
	}
	first, err := write("1", "", "first")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write("2", "", "second"); !errors.Is(err, ErrStale) {
		t.Errorf("got %v", err)
	}
	fields, version, err := st.LoadRoom(t.Context(), "r")
	if err != nil || version != first.Version || fields["f"] != "first" {
		t.Errorf("room: %v, %q, %v", fields, version, err)
	}
	if n, _ := st.LastEvent(t.Context(), 1); n != 1 {
		t.Errorf("%d events", n)
	}
	if n, err := st.CountRooms(t.Context(), "p"); err != nil || n != 1 {
		t.Errorf("%d rooms, %v", n, err)
	}
}

type room struct{}

func (room) Apply(*plugin.Turn) plugin.Result { return plugin.Result{} }

func TestWriteForAHandleThatIsGoneChangesNothing(t *testing.T) {
	st, _ := open(t)
	h := withHandle(t, st)
	gone := h
	gone.ID.Handle = 3
	for want, w := range map[error]Write{
		ErrNoHandle:  {Command: "1", Handle: gone},
		ErrNoSession: {Command: "2", Handle: plugin.Handle{ID: plugin.HandleID{Session: 9, Handle: 2}}},
	} {
		w.Events = []*busv1.Event{event(1)}
		if _, err := st.Commit(t.Context(), start, &w); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if n, _ := st.LastEvent(t.Context(), 1); n != 0 {
		t.Errorf("%d events", n)
	}
}

// TestEventForASessionThatIsOverIsNobodys: the others get theirs, and nothing of that session comes back.
func TestEventForASessionThatIsOverIsNobodys(t *testing.T) {
	st, m := open(t)
	h := withHandle(t, st)
	w := Write{Command: "1", Handle: h, Events: []*busv1.Event{event(9), event(1)}}
	if _, err := st.Commit(t.Context(), start, &w); err != nil {
		t.Fatal(err)
	}
	if over, here := w.Events[0].GetNumber(), w.Events[1].GetNumber(); over != 0 || here != 1 {
		t.Errorf("numbers %d and %d", over, here)
	}
	if m.Exists(prefix+"session:9") || m.Exists(prefix+"log:9") {
		t.Errorf("keys: %q", m.Keys())
	}
}

func TestLogKeepsTheNewestEvents(t *testing.T) {
	st, _ := open(t)
	h := withHandle(t, st)
	for i := range logSize + 10 {
		w := Write{Command: fmt.Sprint(i), Handle: h, Events: []*busv1.Event{event(1)}}
		if _, err := st.Commit(t.Context(), start, &w); err != nil {
			t.Fatal(err)
		}
	}
	events, err := st.Events(t.Context(), 1, 0)
	if err != nil || len(events) != logSize || events[0].GetNumber() != 11 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	claim := &busv1.Command{SessionId: 1, Socket: &busv1.Socket{Id: "b"}, Delivered: logSize + 8}
	claimed, err := st.Claim(t.Context(), claim, timeout, start)
	if err != nil || len(claimed.Missed) != 3 || claimed.Moved.GetNumber() != logSize+11 || claimed.LastEvent != logSize+11 {
		t.Errorf("claimed %v, %v", claimed, err)
	}
}

func TestAClaimGivesNothingThatTheFormerSocketIsKnownToHaveTaken(t *testing.T) {
	st, m := open(t)
	h := withHandle(t, st)
	for i := range 4 {
		w := Write{Command: fmt.Sprint(i), Handle: h, Events: []*busv1.Event{event(1)}}
		if _, err := st.Commit(t.Context(), start, &w); err != nil {
			t.Fatal(err)
		}
	}
	err := st.Delivered(t.Context(), []*busv1.Delivery{
		{SessionId: 9, Socket: "a", Delivered: 1}, // there is none
		{SessionId: 1, Socket: "a", Delivered: 3},
		{SessionId: 1, Socket: "a", Delivered: 2}, // late
		{SessionId: 1, Socket: "another", Delivered: 4},
		{SessionId: 1, Socket: "a", Delivered: 77}, // never raised
	})
	if err != nil {
		t.Fatal(err)
	}
	claim := &busv1.Command{SessionId: 1, Socket: &busv1.Socket{Id: "b"}}
	claimed, err := st.Claim(t.Context(), claim, timeout, start)
	if err != nil || len(claimed.Missed) != 2 || claimed.Missed[0].GetNumber() != 4 {
		t.Errorf("missed %v, %v", claimed.Missed, err)
	}
	if m.Exists(prefix + "session:9") {
		t.Error("a session came to be because something was said of it")
	}
}

func TestSessionIsDueOnlyAfterItsTime(t *testing.T) {
	st, _ := open(t)
	withHandle(t, st)
	due := func(after time.Duration) []uint64 {
		t.Helper()
		ids, _, err := st.Due(t.Context(), timeout, start.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if ids := due(59 * time.Second); len(ids) != 0 {
		t.Errorf("due too early: %v", ids)
	}
	touch := &busv1.Command{Id: "t", SessionId: 1}
	if _, err := st.Enter(t.Context(), touch, true, start.Add(30*time.Second)); err != nil {
		t.Fatal(err)
	}
	if ids := due(61 * time.Second); len(ids) != 0 {
		t.Errorf("due in spite of a request: %v", ids)
	}
	if ids := due(91 * time.Second); len(ids) != 1 || ids[0] != 1 {
		t.Errorf("due: %v", ids)
	}
	ended, err := st.End(t.Context(), End{Session: 1, IfDue: &timeout}, start.Add(91*time.Second))
	if err != nil || ended.Last.GetTimedOut() == nil || ended.Last.GetNumber() != 1 {
		t.Errorf("ended by %v, %v", ended.Last, err)
	}
	if tasks := ended.Tasks; len(tasks) != 1 || tasks[0].Leave.ID != (plugin.HandleID{Session: 1, Handle: 2}) {
		t.Errorf("owes %v", tasks)
	}
	later := start.Add(100 * time.Second)
	if left, _, err := st.Tasks(t.Context(), later); err != nil || len(left) != 1 {
		t.Errorf("left undone: %v, %v", left, err)
	} else if err := st.TaskDone(t.Context(), left[0]); err != nil {
		t.Error(err)
	}
	if left, _, err := st.Tasks(t.Context(), later.Add(time.Minute)); err != nil || len(left) != 0 {
		t.Errorf("still undone: %v, %v", left, err)
	}
}

// TestAllThatIsDueIsFound, however much it is, in steps that are each short.
func TestAllThatIsDueIsFound(t *testing.T) {
	st, _ := open(t)
	const sessions = 2*sweepSize + 7
	for i := range sessions {
		cmd := &busv1.Command{Id: fmt.Sprint(i), SessionId: uint64(i + 1), Socket: &busv1.Socket{Id: "a"}}
		if err := st.Create(t.Context(), cmd, timeout, 0, start, nil); err != nil {
			t.Fatal(err)
		}
		h := plugin.Handle{ID: plugin.HandleID{Session: uint64(i + 1), Handle: 1}}
		if err := st.Attach(t.Context(), &busv1.Command{Id: fmt.Sprint("a", i)}, h, 0, nil); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // these live: they are looked at, and not due
			touch := &busv1.Command{Id: fmt.Sprint("t", i), SessionId: uint64(i + 1)}
			if _, err := st.Enter(t.Context(), touch, true, start.Add(30*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	}
	now, found := start.Add(61*time.Second), 0
	for more := true; more; {
		var due []uint64
		var err error
		if due, more, err = st.Due(t.Context(), timeout, now); err != nil {
			t.Fatal(err)
		}
		found += len(due)
		for _, id := range due {
			if _, err := st.End(t.Context(), End{Session: id, IfDue: &timeout}, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found != sessions/2 {
		t.Errorf("%d of %d", found, sessions/2)
	}
	later, owed := now.Add(time.Minute), 0
	for more := true; more; {
		var tasks []OwedTask
		var err error
		if tasks, more, err = st.Tasks(t.Context(), later); err != nil {
			t.Fatal(err)
		}
		owed += len(tasks)
	}
	if owed != found {
		t.Errorf("%d tasks of %d", owed, found)
	}
}

func TestLostSocketCountsFromTheLoss(t *testing.T) {
	st, _ := open(t)
	withHandle(t, st)
	times := Timeouts{Session: time.Minute, Reclaim: 10 * time.Second}
	lost := &busv1.Command{SessionId: 1, Socket: &busv1.Socket{Id: "a"}}
	if owner, err := st.Lose(t.Context(), lost, true, times, start.Add(40*time.Second)); err != nil || !owner {
		t.Fatalf("owner %t, %v", owner, err)
	}
	// Another socket's request neither ends nor lengthens the wait.
	if _, err := st.Enter(t.Context(), &busv1.Command{Id: "t", SessionId: 1}, true, start.Add(45*time.Second)); err != nil {
		t.Fatal(err)
	}
	for want, after := range []time.Duration{49 * time.Second, 51 * time.Second} {
		if ids, _, err := st.Due(t.Context(), times, start.Add(after)); err != nil || len(ids) != want {
			t.Errorf("after %v due: %v, %v", after, ids, err)
		}
	}
}

func TestServerThatIsAwayIsToldFromOneThatRefuses(t *testing.T) {
	st, m := open(t)
	m.SetError("LOADING dataset in memory")
	if err := st.Ping(t.Context()); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	m.SetError("ERR no such command")
	if err := st.Ping(t.Context()); err == nil || errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	m.Close()
	if err := st.Ping(t.Context()); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
}

func TestHandleIsTakenOutOfAllItsPlaces(t *testing.T) {
	st, m := open(t)
	h := withHandle(t, st)
	commit := func(w Write) Committed {
		t.Helper()
		w.Handle = h
		done, err := st.Commit(t.Context(), start, &w)
		if err != nil {
			t.Fatal(err)
		}
		return done.Each[0]
	}
	for _, room := range []string{`a "room"`, "b", "c", "d"} {
		commit(Write{Room: room, Enter: true})
	}
	commit(Write{Room: "c", Parted: []plugin.HandleID{h.ID, {Session: 99, Handle: 1}}})
	following := map[string]bool{`a "room"`: true, "b": true, "d": true}
	left := func(tasks []OwedTask) map[string]uint32 {
		t.Helper()
		rooms := map[string]uint32{}
		for _, task := range tasks {
			if task.Leave == nil || task.Leave.ID != h.ID || task.Leave.Handle.Plugin != h.Plugin {
				t.Errorf("task %+v", task)
				continue
			}
			rooms[task.Leave.Room] = task.Leave.Generation
		}
		return rooms
	}
	for _, task := range commit(Write{Follow: &plugin.Follow{Node: `a "node"`, Generation: 2, At: 7}}).Tasks {
		l := task.Leave
		if l == nil || l.Moved == nil || *l.Moved != (plugin.Follow{Node: `a "node"`, At: 7}) || l.Generation != 2 || l.ID != h.ID {
			t.Errorf("to follow: %+v", l)
		}
		delete(following, l.Room)
	}
	if len(following) > 0 {
		t.Errorf("not told to follow: %v", following)
	}
	want := map[string]uint32{`a "room"`: 3, "b": 3, "d": 3}
	if got := left(commit(Write{Scatter: 3}).Tasks); !maps.Equal(got, want) {
		t.Errorf("scattered: %v, want %v", got, want)
	}
	if got := left(commit(Write{Scatter: 3}).Tasks); len(got) != 0 {
		t.Errorf("scattered twice: %v", got)
	}
	commit(Write{Room: "b", Enter: true})
	ended, err := st.End(t.Context(), End{Session: 1}, start)
	if err != nil {
		t.Fatal(err)
	}
	if got := left(ended.Tasks); got["b"] != 0 || len(got) != 2 { // and the one that it is bound to, here none
		t.Errorf("at the end of the session: %v", got)
	}
	if m.Exists(prefix + "session:99") {
		t.Error("a session came to be because a handle of it parted")
	}
}

func TestChangesOfATokenAreNotLost(t *testing.T) {
	s, _ := open(t)
	if _, err := s.ChangeToken(t.Context(), "t", false, func(has []string) []string { return has }); !errors.Is(err, ErrNoToken) {
		t.Errorf("a token that is not there: %v", err)
	}
	const changes = 8
	var wg sync.WaitGroup
	for i := range changes {
		wg.Go(func() {
			add := func(has []string) []string { return append(has, fmt.Sprint(i)) }
			if _, err := s.ChangeToken(t.Context(), "t", true, add); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if has, err := s.Token(t.Context(), "t"); err != nil || len(has) != changes {
		t.Errorf("%q, %v", has, err)
	}
}

func TestPeersWithoutAHandleAreFound(t *testing.T) {
	s, _ := open(t)
	peer := plugin.PeerKey{Node: "n", Handle: plugin.HandleID{Handle: 77}, Generation: 1}
	w := &Write{
		Command: "add", Over: true, Handle: plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}, Plugin: "p", Room: "other"},
		Room: "p/1", Result: plugin.Result{Next: room{}}, Made: []plugin.PeerKey{peer},
	}
	done, err := s.Commit(t.Context(), time.Now(), w)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Handleless(t.Context(), 77)
	if err != nil || h.Room != "p/1" || h.Plugin != "p" || h.ID != peer.Handle {
		t.Errorf("%+v, %v", h, err)
	}
	w.Command, w.Read, w.Made, w.Lost = "remove", done.Version, nil, []plugin.PeerKey{peer}
	if _, err := s.Commit(t.Context(), time.Now(), w); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Handleless(t.Context(), 77); !errors.Is(err, ErrNoHandle) {
		t.Errorf("after its end: %v", err)
	}
}

func TestRoomsThatCountAreCountedWithTheWrite(t *testing.T) {
	st, _ := open(t)
	h := withHandle(t, st)
	commands := 0
	write := func(name, read string, most int, drop bool) (string, error) {
		commands++
		w := Write{Command: fmt.Sprint(commands), Handle: h, Room: name, Read: read, Most: most, Result: plugin.Result{Next: room{}, Drop: drop}}
		done, err := st.Commit(t.Context(), start, &w)
		return done.Version, err
	}
	version, err := write("a", "", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if fields, _, err := st.LoadRoom(t.Context(), "a"); err != nil || len(fields) > 0 {
		t.Errorf("the plugin is shown %v, %v", fields, err)
	}
	if _, err := write("b", "", 1, false); !errors.Is(err, ErrFull) {
		t.Errorf("a second: %v", err)
	}
	if _, v, err := st.LoadRoom(t.Context(), "b"); err != nil || v != "" {
		t.Errorf("it is there: %q, %v", v, err)
	}
	if _, err := write("c", "", 0, false); err != nil {
		t.Errorf("one that does not count: %v", err)
	}
	if _, err := write("a", version, 0, true); err != nil {
		t.Fatal(err)
	}
	if _, err := write("b", "", 1, false); err != nil {
		t.Errorf("a second when the first is gone: %v", err)
	}
}
