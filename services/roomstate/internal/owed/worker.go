// Package owed carries out what is owed to the outside after a write: peers to be ended, and handles of ended sessions
// to be taken out of their rooms. All of it may be done twice. What this replica does not get done, for whatever
// reason, is taken up a few seconds later by any.
package owed

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	workers    = 16
	backlog    = 4096
	taskTime   = 8 * time.Second
	sweepEvery = time.Second
)

// Requester sends a command to a subject until it is answered.
type Requester interface {
	Do(ctx context.Context, subject string, cmd *busv1.Command, accepted func(plugin string)) (*busv1.Reply, error)
}

// Worker carries out tasks.
type Worker struct {
	Store interface {
		Tasks(ctx context.Context, now time.Time) (tasks []store.OwedTask, more bool, err error)
		TaskDone(ctx context.Context, t store.OwedTask) error
	}
	Nodes interface {
		Alive(node string) bool
		Call(ctx context.Context, node string, request proto.Message) (proto.Message, error)
	}
	Requests Requester
	Log      *slog.Logger

	queue chan store.OwedTask
}

// New returns a worker whose Run is to be called.
func New(w Worker) *Worker {
	w.queue = make(chan store.OwedTask, backlog)
	return &w
}

// Owe has tasks carried out soon.
func (w *Worker) Owe(tasks []store.OwedTask) {
	for _, t := range tasks {
		select {
		case w.queue <- t:
		default: // the store has it
		}
	}
}

// Run carries out tasks until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range workers {
		wg.Go(func() { w.work(ctx) })
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if err := w.sweep(ctx, now); err != nil {
				w.Log.Debug("tasks not read", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// sweep takes up what was left undone, as much of it as there is room for.
func (w *Worker) sweep(ctx context.Context, now time.Time) error {
	for more := true; more && len(w.queue) < backlog/2; {
		var tasks []store.OwedTask
		var err error
		if tasks, more, err = w.Store.Tasks(ctx, now); err != nil {
			return err
		}
		w.Owe(tasks)
	}
	return nil
}

func (w *Worker) work(ctx context.Context) {
	for {
		select {
		case t := <-w.queue:
			w.Carry(ctx, t)
		case <-ctx.Done():
			return
		}
	}
}

// Carry carries a task out. One that fails stays in the store.
func (w *Worker) Carry(ctx context.Context, t store.OwedTask) {
	if err := w.do(ctx, t.Task); err != nil {
		w.Log.Debug("task not done yet", "err", err)
		return
	}
	if err := w.Store.TaskDone(ctx, t); err != nil {
		w.Log.Debug("task done, but not forgotten yet", "err", err)
	}
}

func (w *Worker) do(ctx context.Context, t plugin.Task) error {
	ctx, cancel := context.WithTimeout(ctx, taskTime)
	defer cancel()
	switch {
	case t.Close != nil:
		return w.closePeer(ctx, t.Close)
	case t.Leave != nil:
		return w.leave(ctx, t.Leave)
	}
	return nil
}

func (w *Worker) closePeer(ctx context.Context, c *plugin.Close) error {
	if !w.Nodes.Alive(c.Node) {
		return nil // the peer is gone with it
	}
	_, err := w.Nodes.Call(ctx, c.Node, &mediav1.ClosePeerRequest{
		Peer: &mediav1.PeerID{
			SessionId: c.Handle.Session, HandleId: c.Handle.Handle, Generation: c.Generation,
		},
		Reason: c.Reason,
		Quiet:  c.Quiet,
	})
	return err
}

func (w *Worker) leave(ctx context.Context, l *plugin.Leave) error {
	room, id := l.Handle.Room, "leave "+l.ID.String()
	if l.Room != "" {
		room, id = l.Room, fmt.Sprintf("leave %s %d %s", l.ID, l.Generation, l.Room)
	}
	if room == "" {
		return nil
	}
	cmd := &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{Generation: l.Generation}}}
	if to := l.Moved; to != nil {
		id = fmt.Sprintf("follow %s %d %s %s %d", l.ID, l.Generation, l.Room, to.Node, to.At)
		cmd.Verb = &busv1.Command_Peer{Peer: &busv1.PeerEvent{
			Node: to.Node, Generation: l.Generation, Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{AtMs: to.At}},
		}}
	}
	cmd.Id, cmd.SessionId, cmd.HandleId = id, l.ID.Session, l.ID.Handle
	cmd.Routed = &busv1.Routed{
		Plugin: l.Handle.Plugin, OpaqueId: l.Handle.OpaqueID, Room: room, Bound: true, Role: l.Handle.Role, Over: true,
	}
	_, err := w.Requests.Do(ctx, bus.RoomCommands(bus.Shard(room)), cmd, nil)
	return err
}
