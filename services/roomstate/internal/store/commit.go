package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Write is all that one command changes.
type Write struct {
	Command string
	Answer  []byte        // remembered under Command; empty for one that may be tried again
	Handle  plugin.Handle // the acting one, as it is from now on
	Bound   bool          // its record changes
	Gone    bool          // it ceases to exist
	Over    bool          // its session has ceased to exist already

	Enter   bool              // it has state in this room without being bound to it
	Scatter uint32            // it is taken out of all such rooms, its peer of that generation being over; 0 for nothing
	Follow  *plugin.Follow    // all such rooms are told where its peer is now; nil for nothing
	Parted  []plugin.HandleID // those that no longer have such state here

	Room   string // empty if no room is concerned
	Read   string // the version that was read, empty for no room
	Result plugin.Result
	Most   int // the room is made, and its session may have made this many that are still there; 0 if it does not count

	Events     []*busv1.Event // Commit gives them their numbers
	Tasks      []plugin.Task
	Made, Lost []plugin.PeerKey
}

// Committed is what came of a Write.
type Committed struct {
	LastEvent uint64 // of the acting handle's session
	Tasks     []OwedTask
}

// Outcome is what came of Writes.
type Outcome struct {
	Version string      // of the room, from now on
	Each    []Committed // of each Write, in order
	Raised  Raised
}

// RefusedError says which of several writes could not be made, for which none was.
type RefusedError struct {
	Index int
	Err   error
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *RefusedError) Unwrap() error { return e.Err }

// MostTogether is how many writes one Commit may hold.
const MostTogether = 32

// Alone tells whether w can be committed with no other: one that makes its room, or deletes it, or concerns none.
func (w *Write) Alone() bool { return w.Room == "" || w.Read == "" || w.Result.Drop || w.Most > 0 }

// Commit writes what commands change, one after another, as a whole or not at all. If there are several, they are of one room, each but
// the first goes by what the one before made of it, they act for different sessions, and none has to be Alone. ErrStale if the room
// is not the one that was read, ErrNoSession or ErrNoHandle if an acting handle is gone, ErrFull if its session has made Most rooms, an
// AnsweredError if a command was carried out before; the RefusedError around these tells of which.
func (s *Store) Commit(ctx context.Context, now time.Time, writes ...*Write) (Outcome, error) {
	e := encoder{}
	o, err := e.encode(writes, now)
	if err != nil {
		return Outcome{}, err
	}
	got, err := s.run(ctx, commitScript, e.args...)
	if err != nil {
		return Outcome{}, err
	}
	lasts, scattered := list(got[0]), list(got[1])
	for i := range o.Each {
		tasks, err := readTasks(scattered[i])
		if err != nil {
			return Outcome{}, err
		}
		o.Each[i].LastEvent = uint64(number(lasts[i]))
		o.Each[i].Tasks = append(o.Each[i].Tasks, tasks...)
	}
	o.Raised.number(list(got[2]), list(got[3]))
	return o, nil
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// encoder makes the arguments of commit.lua, in the order in which it reads them.
type encoder struct{ args []any }

func (e *encoder) add(more ...any) { e.args = append(e.args, more...) }

func (e *encoder) encode(writes []*Write, now time.Time) (o Outcome, err error) {
	e.add(answerFor.Milliseconds(), ms(now), ms(now.Add(taskAgain)), logSize, len(writes))
	for _, w := range writes {
		e.add(w.Command)
		if w.Over {
			e.add("", "")
		} else {
			e.add(w.Handle.ID.Session, w.Handle.ID.Handle)
		}
	}
	o.Version = e.room(writes)
	for _, w := range writes {
		tasks, err := e.write(w)
		if err != nil {
			return o, err
		}
		o.Each = append(o.Each, Committed{Tasks: tasks})
	}
	if o.Raised, err = gather(writes); err != nil {
		return o, err
	}
	e.raised(o.Raised)
	return o, nil
}

// write adds what a command changes beside the room, and returns what is owed for it.
func (e *encoder) write(w *Write) (tasks []OwedTask, err error) {
	e.add(w.Answer)
	if err := w.encodeHandle(e.add); err != nil {
		return nil, err
	}
	if err := w.encodePlaces(e.add); err != nil {
		return nil, err
	}
	e.add(len(w.Tasks))
	for _, task := range w.Tasks {
		owed, err := owe(task)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, owed)
		e.add(owed.text)
	}
	for _, peers := range [][]plugin.PeerKey{w.Made, w.Lost} {
		e.add(len(peers))
		for _, p := range peers {
			e.add(p.Node, peerMember(p))
		}
	}
	return tasks, nil
}

// room adds what becomes of the room that the writes are of, and returns its version from then on.
func (e *encoder) room(writes []*Write) (version string) {
	w := writes[0]
	e.add(w.Room, w.Read)
	if w.Room == "" {
		e.add("", 0, 0)
		return ""
	}
	next, set, index := false, map[string][]byte{}, []byte(nil) // nil of what is deleted
	for _, w := range writes {
		if w.Result.Next == nil {
			continue
		}
		next = true
		for field, value := range w.Result.Set {
			set[field] = append([]byte{}, value...)
		}
		for _, field := range w.Result.Delete {
			set[field] = nil
		}
		if w.Result.Index != nil {
			index = w.Result.Index
		}
	}
	version = w.Read
	if next {
		version = rand.Text() // never one that another life of the room had
		e.add(version, flag(w.Result.Drop), w.Most)
	} else {
		e.add("", 0, w.Most)
	}
	var deleted []string
	at := len(e.args)
	e.add(0)
	for field, value := range set {
		if value == nil {
			deleted = append(deleted, field)
		} else {
			e.add(field, value)
		}
	}
	e.args[at] = len(set) - len(deleted)
	e.add(len(deleted))
	for _, field := range deleted {
		e.add(field)
	}
	listed := ""
	if index != nil || w.Result.Drop {
		listed = w.Handle.Plugin
	}
	e.add(listed, w.Room, index)
	if w.Result.Drop {
		return ""
	}
	return version
}

// encodeHandle adds the acting handle's record, if it changes.
func (w *Write) encodeHandle(add func(...any)) error {
	switch {
	case w.Gone:
		add("-")
	case w.Bound:
		record, err := json.Marshal(w.Handle)
		if err != nil {
			return fmt.Errorf("encode handle: %w", err)
		}
		add(record)
	default:
		add("")
	}
	return nil
}

// encodePlaces adds which rooms the handle has state in, beside the one it is bound to.
func (w *Write) encodePlaces(add func(...any)) error {
	room, err := json.Marshal(w.Room)
	if err != nil {
		return fmt.Errorf("encode name of room: %w", err)
	}
	record, err := json.Marshal(w.Handle)
	if err != nil {
		return fmt.Errorf("encode handle: %w", err)
	}
	scatter, follow := "", ""
	if w.Scatter != 0 || w.Gone {
		scatter = fmt.Sprint(w.Scatter)
	}
	if f := w.Follow; f != nil && scatter == "" {
		b, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("encode node: %w", err)
		}
		scatter, follow = fmt.Sprint(f.Generation), string(b)
	}
	add(flag(w.Enter), string(room), scatter, follow, string(record), len(w.Parted))
	for _, h := range w.Parted {
		add(h.Session, h.Handle)
	}
	return nil
}

// LoadRoom returns a room's fields and version; no fields and an empty version if there is no such room.
func (s *Store) LoadRoom(ctx context.Context, name string) (fields map[string]string, version string, err error) {
	fields, err = s.rdb.HGetAll(ctx, prefix+"room:"+name).Result()
	if err != nil {
		return nil, "", broken(err)
	}
	version = fields["version"]
	delete(fields, "version")
	delete(fields, "maker")
	return fields, version, nil
}

// Rooms returns the index entries of a plugin's rooms.
func (s *Store) Rooms(ctx context.Context, plug string) ([][]byte, error) {
	got, err := s.rdb.HVals(ctx, prefix+"rooms:"+plug).Result()
	if err != nil {
		return nil, broken(err)
	}
	entries := make([][]byte, len(got))
	for i := range got {
		entries[i] = []byte(got[i])
	}
	return entries, nil
}

// RoomNames returns the names of a plugin's rooms, in no order.
func (s *Store) RoomNames(ctx context.Context, plug string) ([]string, error) {
	names, err := s.rdb.HKeys(ctx, prefix+"rooms:"+plug).Result()
	return names, broken(err)
}

// CountRooms returns how many rooms a plugin has.
func (s *Store) CountRooms(ctx context.Context, plug string) (int, error) {
	n, err := s.rdb.HLen(ctx, prefix+"rooms:"+plug).Result()
	return int(n), broken(err)
}

func isNil(err error) bool { return errors.Is(err, redis.Nil) }
