package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// rooms is where they are kept.
type rooms interface {
	LoadRoom(ctx context.Context, name string) (fields map[string]string, version string, err error)
	Commit(ctx context.Context, w *store.Write, now time.Time) (store.Committed, error)
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
	// Publish makes an event known. Losing one is no harm: it is in the log.
	Publish func(event *busv1.Event)
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

	// Owned by who has the turn.
	room    plugin.Room // nil: to be read
	version string
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

// decide runs the rule once and, if it asks nothing more, writes what it says.
func (k *Keeper) decide(
	ctx context.Context, e *entry, plug plugin.Plugin, cmd plugin.Command, name string, answers plugin.Answers,
) (*plugin.Turn, *busv1.Reply, error) {
	select {
	case <-e.turn:
	case <-ctx.Done():
		return nil, nil, fault.New(fault.TooBusy, ctx.Err())
	}
	defer func() {
		if e.version == "" {
			e.room = nil // others may make it
		}
		e.turn <- struct{}{}
	}()

	if e.room == nil {
		if err := k.read(ctx, e, plug, name); err != nil {
			return nil, nil, err
		}
	}
	now := time.Now()
	t := plugin.NewTurn(cmd, now, k.Nodes.Alive, answers)
	_, span := traceRule(ctx, cmd)
	result := e.room.Apply(t)
	ended(span, t)
	if len(t.Open) > 0 {
		return t, nil, nil
	}
	if t.Failure != nil {
		return t, nil, t.Failure
	}
	reply := replyOf(t)
	if result.Next == nil && len(t.Events) == 0 && len(t.Tasks) == 0 && t.Bind == nil && !t.Gone &&
		len(t.Texts) == 0 && len(t.Posts) == 0 {
		return t, reply, nil // nothing but an answer, which can be given again
	}

	w, err := write(t, reply, name, e.version, result)
	if err != nil {
		return t, nil, err
	}
	traceEvents(ctx, cmd, w.Events)
	done, err := k.Store.Commit(ctx, w, now)
	if err != nil {
		e.room = nil // whatever happened, what is remembered may be wrong
		return t, nil, err
	}
	if result.Next != nil {
		e.room, e.version = result.Next, done.Version
	}
	for _, event := range w.Events {
		if event.GetNumber() > 0 {
			k.Publish(event)
		}
	}
	if len(t.Texts) > 0 {
		k.Send(t.Texts)
	}
	if len(t.Posts) > 0 {
		k.Post(t.Posts)
	}
	k.Owe(done.Tasks)
	eventhandler.Committed(k.Events, t)
	reply.LastEvent = done.LastEvent
	return t, reply, nil
}

func (k *Keeper) read(ctx context.Context, e *entry, plug plugin.Plugin, name string) error {
	var fields map[string]string
	var version string
	if name != "" {
		var err error
		if fields, version, err = k.Store.LoadRoom(ctx, name); err != nil {
			return err
		}
	}
	loaded, err := plug.Load(name, fields)
	if err != nil {
		return fmt.Errorf("load room %s: %w", name, err)
	}
	e.room, e.version = loaded, version
	return nil
}

func replyOf(t *plugin.Turn) *busv1.Reply {
	reply := &busv1.Reply{CommandId: t.Command.GetId()}
	if t.Reply != nil {
		reply.Outcome = &busv1.Reply_Plugin{Plugin: &busv1.PluginData{
			Plugin: t.Command.Handle.Plugin, Data: t.Reply, OpaqueId: t.Command.Handle.OpaqueID,
		}}
	} else {
		reply.Outcome = &busv1.Reply_Done{Done: &busv1.Done{Async: t.Command.GetMessage() != nil}}
	}
	return reply
}

func write(t *plugin.Turn, reply *busv1.Reply, room, version string, result plugin.Result) (*store.Write, error) {
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
