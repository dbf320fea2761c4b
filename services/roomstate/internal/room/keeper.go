package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// rooms is where they are kept.
type rooms interface {
	LoadRoom(ctx context.Context, name string) (fields map[string]string, version string, err error)
	Commit(ctx context.Context, now time.Time, writes ...*store.Write) (store.Outcome, error)
	Answered(ctx context.Context, command string) (*store.AnsweredError, error)
	Rooms(ctx context.Context, plugin string) ([][]byte, error)
	CountRooms(ctx context.Context, plugin string) (int, error)
	Spent(ctx context.Context, h plugin.HandleID) (uint32, error)
	Abandon(ctx context.Context, p plugin.PeerKey, now time.Time) ([]store.OwedTask, error)
	TakeCapture(ctx context.Context, h plugin.HandleID) (*mediav1.StartCaptureRequest, error)
}

// Nodes are who is asked.
type Nodes interface {
	Alive(node string) bool
	Place(ctx context.Context, q plugin.Question) (string, error)
	Call(ctx context.Context, node string, request proto.Message) (proto.Message, error)
}

// Keeper decides the commands of rooms.
type Keeper struct {
	Store   rooms
	Nodes   Nodes
	Plugins map[string]plugin.Plugin
	// Publish makes events known. Losing one is no harm: it is in the log.
	Publish func(raised *store.Raised)
	// Send and Post send what is for data channels and for web servers, without waiting and in order.
	Send func(texts []plugin.Text)
	Post func(posts []plugin.Post)
	// Owe carries out tasks, later.
	Owe func(tasks []store.OwedTask)
	// Stale counts decisions that came too late and were made again.
	Stale func()
	// Limited counts commands that were refused since a limit is met; nil for nobody.
	Limited func(plugin.Limit)
	// Events tells event handlers of what was decided.
	Events *events.Emitter
	Log    *slog.Logger

	mu    sync.Mutex
	known map[string]*entry
}

// entry is what is remembered of a room between commands.
type entry struct {
	turn   chan struct{} // holds a token while nobody has the turn
	claims *claims
	users  int // commands that have it; guarded by the keeper's mu

	mu      sync.Mutex  // guards what follows; only who has the turn makes a decision, and one that is written ends without it
	room    plugin.Room // with all that has been decided, written or not; nil: to be read
	version string      // of what is written
	flight  *batch      // that is being written; nil for none
	next    *batch      // that is written after it; nil for none
	rest    time.Time   // until when nothing is written that can wait
}

// tries bounds how often a rule is run for one command: each try follows an answer or another's write.
const tries = 40

// abandonTime bounds how long a command's end may take in which peers are abandoned.
const abandonTime = 2 * time.Second

// Do decides a command in a room, the empty one for none, and returns the answer.
func (k *Keeper) Do(ctx context.Context, cmd plugin.Command, name string) (*busv1.Reply, error) {
	plug, ok := k.Plugins[cmd.Handle.Plugin]
	if !ok {
		return nil, fault.Newf(fault.PluginNotFound, "No such plugin '%s'", cmd.Handle.Plugin)
	}
	e := k.entry(name)
	defer k.leave(name, e)
	held := map[plugin.HandleID]bool{}
	defer func() { e.claims.give(held) }()

	made := map[plugin.PeerKey]bool{} // by nodes, for this command
	defer func() { k.abandon(ctx, made) }()
	answers := plugin.Answers{}
	for range tries {
		t, reply, err := k.decide(ctx, e, plug, cmd, name, answers)
		if errors.Is(err, store.ErrStale) {
			k.Stale()
			continue
		}
		if errors.Is(err, store.ErrFull) { // known no sooner than with the write, and the plugin has the words for it
			cmd.Full = true
			continue
		}
		if errors.Is(err, store.ErrAway) {
			clear(made) // its sender repeats the command, and nodes their answers
		}
		if err != nil {
			return nil, err
		}
		if len(t.Open) == 0 {
			for _, p := range t.Made {
				delete(made, p)
			}
			if t.Met() != "" && k.Limited != nil {
				k.Limited(t.Met())
			}
			return reply, nil
		}
		if wanted := beyond(held, t.Open); len(wanted) > 0 {
			// What was learnt of other peers may change while this one waits for more.
			e.claims.give(held)
			for id := range held {
				wanted[id] = true
			}
			held, answers = nil, answers.Placed()
			if err := e.claims.take(ctx, wanted); err != nil {
				return nil, fault.New(fault.TooBusy, err)
			}
			held = wanted
			continue
		}
		for _, q := range t.Open {
			for _, p := range q.Makes() {
				made[p] = true // perhaps, whatever the answer will be
			}
		}
		k.ask(ctx, plug, cmd, t.Open, answers)
	}
	return nil, fault.New(fault.TooBusy, fmt.Errorf("room %s: no decision after %d tries", name, tries))
}

// abandon has peers closed that a node made, or may have made, for a decision that was dropped. The claims on them are
// still held, so that no later command of theirs takes the same generation.
func (k *Keeper) abandon(ctx context.Context, made map[plugin.PeerKey]bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	for p := range made {
		tasks, err := k.Store.Abandon(ctx, p, time.Now())
		if err != nil {
			k.Log.Warn("peer not abandoned", "session", p.Handle.Session, "handle", p.Handle.Handle, "node", p.Node, "err", err)
			continue
		}
		k.Owe(tasks)
	}
}

// Forget drops what is remembered of rooms that fit, so that they are read anew.
func (k *Keeper) Forget(fits func(room string) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.known {
		if fits(name) {
			delete(k.known, name)
		}
	}
}

func (k *Keeper) entry(name string) *entry {
	if name == "" {
		return newEntry() // nothing to take turns for
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[string]*entry{}
	}
	e, ok := k.known[name]
	if !ok {
		e = newEntry()
		k.known[name] = e
	}
	e.users++
	return e
}

// leave is called by who has had an entry. That of a room which does not exist, or of which too little is known, is forgotten with
// its last user, and no sooner: with two entries of one room there would be two turns, and what one writes the other would not see.
func (k *Keeper) leave(name string, e *entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.users--; e.users > 0 || k.known[name] != e {
		return
	}
	if e.room == nil || e.version == "" { // nobody has the turn
		delete(k.known, name)
	}
}

func newEntry() *entry {
	e := &entry{turn: make(chan struct{}, 1), claims: newClaims()}
	e.turn <- struct{}{}
	return e
}

// decide runs the rule and, if it asks nothing more, has what it says written.
func (k *Keeper) decide(
	ctx context.Context, e *entry, plug plugin.Plugin, cmd plugin.Command, name string, answers plugin.Answers,
) (*plugin.Turn, *busv1.Reply, error) {
	for {
		d, err := k.propose(ctx, e, plug, cmd, name, answers)
		if err == nil {
			return d.turn, d.reply, nil
		}
		if !errors.Is(err, errVoid) {
			return nil, nil, err
		}
	}
}

// propose runs the rule once. Others may decide while what it says is written. It is errVoid if that comes to nothing since what it
// goes by has.
func (k *Keeper) propose(
	ctx context.Context, e *entry, plug plugin.Plugin, cmd plugin.Command, name string, answers plugin.Answers,
) (*decision, error) {
	select {
	case <-e.turn:
	case <-ctx.Done():
		return nil, fault.New(fault.TooBusy, ctx.Err())
	}
	has := true
	give := func() {
		if has {
			has = false
			e.turn <- struct{}{}
		}
	}
	defer give()

	room, version, before, err := k.current(ctx, e, plug, name)
	if err != nil {
		return nil, err
	}
	t := plugin.NewTurn(cmd, time.Now(), k.Nodes.Alive, answers)
	_, span := traceRule(ctx, cmd)
	result := room.Apply(t)
	ended(span, t)
	d := &decision{turn: t}
	if len(t.Open) == 0 && t.Failure == nil {
		d.reply = replyOf(t)
	}
	if d.reply == nil || result.Next == nil && len(t.Events) == 0 && len(t.Tasks) == 0 && t.Bind == nil && !t.Gone &&
		len(t.Texts) == 0 && len(t.Posts) == 0 { // nothing but questions, or an answer, which can be given again
		give()
		if err := before.wait(); err != nil {
			return nil, errVoid
		}
		return d, t.Failure
	}

	if d.write, err = write(t, d.reply, name, version, result); err != nil {
		return nil, err
	}
	d.next = result.Next
	traceEvents(ctx, cmd, d.write.Events)
	alone := d.write.Alone()
	b, err := e.add(d, before, alone)
	if err != nil {
		return nil, err
	}
	if !alone {
		give()
	}
	return d, k.written(ctx, e, b, d)
}

// current returns the room with all that has been decided, and the last batch of that, nil if everything is written. The caller
// has the turn.
func (k *Keeper) current(ctx context.Context, e *entry, plug plugin.Plugin, name string) (plugin.Room, string, *batch, error) {
	e.mu.Lock()
	room, version, last := e.room, e.version, e.last()
	e.mu.Unlock()
	if room != nil {
		return room, version, last, nil
	}
	// Nothing is being written: what fails has what is based on it fail, too.
	var fields map[string]string
	version = ""
	if name != "" {
		var err error
		if fields, version, err = k.Store.LoadRoom(ctx, name); err != nil {
			return nil, "", nil, err
		}
	}
	room, err := plug.Load(name, fields)
	if err != nil {
		return nil, "", nil, fmt.Errorf("load room %s: %w", name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.version = version; version != "" { // else others may make it
		e.room = room
	}
	return room, version, nil, nil
}

func replyOf(t *plugin.Turn) *busv1.Reply {
	reply := &busv1.Reply{CommandId: t.Command.GetId()}
	if t.Reply != nil {
		reply.Outcome = &busv1.Reply_Plugin{Plugin: &busv1.PluginData{
			Plugin: t.Command.Handle.Plugin, Data: t.Reply, OpaqueId: t.Command.Handle.OpaqueID,
		}}
		return reply
	}
	done := &busv1.Done{}
	if t.Command.GetMessage() != nil {
		done.Async, done.Plugin = true, t.Command.Handle.Plugin
	}
	reply.Outcome = &busv1.Reply_Done{Done: done}
	return reply
}

func write(t *plugin.Turn, reply *busv1.Reply, room, version string, result plugin.Result) (*store.Write, error) {
	reply.Attempt = rand.Uint64()
	answer, err := proto.Marshal(reply)
	if err != nil {
		return nil, fmt.Errorf("encode reply: %w", err)
	}
	w := &store.Write{
		Command: t.Command.GetId(), Answer: answer,
		Handle: t.Command.Handle, Gone: t.Gone, Over: t.Command.Over,
		Room: room, Read: version, Result: result, Most: t.MayHave,
		Events: t.Events, Tasks: t.Tasks, Made: t.Made, Lost: t.Lost,
		Enter: t.Enter, Scatter: t.Scatter, Follow: t.Follow, Parted: t.Parted,
	}
	for _, event := range w.Events {
		if event.GetHandleId() == w.Handle.ID.Handle && event.GetSessionId() == w.Handle.ID.Session {
			event.OpaqueId = w.Handle.OpaqueID
		}
	}
	if t.Bind != nil {
		w.Bound = true
		w.Handle.Room, w.Handle.Role = t.Bind.Room, t.Bind.Role
	}
	return w, nil
}
