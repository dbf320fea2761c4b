package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

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
	Version   string // of the room, from now on
	LastEvent uint64 // of the acting handle's session
	Tasks     []OwedTask
}

// Commit writes w as a whole or not at all. ErrStale if the room is not the one that was read, ErrNoSession or
// ErrNoHandle if the acting handle is gone, ErrFull if its session has made Most rooms, an AnsweredError if the command was carried out before.
func (s *Store) Commit(ctx context.Context, w *Write, now time.Time) (Committed, error) {
	args, version, tasks, err := w.encode(now)
	if err != nil {
		return Committed{}, err
	}
	got, err := s.run(ctx, commitScript, args...)
	if err != nil {
		return Committed{}, err
	}
	scattered, err := readTasks(got[2])
	if err != nil {
		return Committed{}, err
	}
	tasks = append(tasks, scattered...)
	numbers, _ := got[1].([]any)
	for i, event := range w.Events {
		event.Number = uint64(number(numbers[i]))
	}
	return Committed{Version: version, LastEvent: uint64(number(got[0])), Tasks: tasks}, nil
}

// encode makes w the arguments of commit.lua, in the order in which it reads them.
func (w *Write) encode(now time.Time) (args []any, version string, tasks []OwedTask, err error) {
	add := func(more ...any) { args = append(args, more...) }

	add(w.Command, w.Answer, answerFor.Milliseconds(), ms(now))
	if w.Over {
		add("", "")
	} else {
		add(w.Handle.ID.Session, w.Handle.ID.Handle)
	}
	add(ms(now.Add(taskAgain)), logSize)
	version = w.encodeRoom(add)
	if err := w.encodeHandle(add); err != nil {
		return nil, "", nil, err
	}
	if err := w.encodePlaces(add); err != nil {
		return nil, "", nil, err
	}
	if err := w.encodeEvents(add); err != nil {
		return nil, "", nil, err
	}
	add(len(w.Tasks))
	for _, task := range w.Tasks {
		owed, err := owe(task)
		if err != nil {
			return nil, "", nil, err
		}
		tasks = append(tasks, owed)
		add(owed.text)
	}
	for _, peers := range [][]plugin.PeerKey{w.Made, w.Lost} {
		add(len(peers))
		for _, p := range peers {
			add(p.Node, peerMember(p))
		}
	}
	return args, version, tasks, nil
}

// encodeRoom adds what becomes of the room, and returns its version from then on.
func (w *Write) encodeRoom(add func(...any)) (version string) {
	add(w.Room, w.Read)
	if w.Room == "" {
		add("", 0, 0)
		return ""
	}
	if w.Result.Next == nil {
		version = w.Read
		add("", 0)
	} else {
		version = rand.Text() // never one that another life of the room had
		add(version, flag(w.Result.Drop))
	}
	add(w.Most)
	add(len(w.Result.Set))
	for field, value := range w.Result.Set {
		add(field, value)
	}
	add(len(w.Result.Delete))
	for _, field := range w.Result.Delete {
		add(field)
	}
	index := ""
	if w.Result.Index != nil || w.Result.Drop {
		index = w.Handle.Plugin
	}
	add(index, w.Room, w.Result.Index)
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

func (w *Write) encodeEvents(add func(...any)) error {
	add(len(w.Events))
	for _, event := range w.Events {
		data, err := proto.Marshal(event)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		add(event.GetSessionId(), data)
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
