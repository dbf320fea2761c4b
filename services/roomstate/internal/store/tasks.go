package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// taskAgain is when a task that has not been done is taken up again, by any replica.
	taskAgain = 3 * time.Second
	// sweepSize is how much is taken up with one script: none keeps Redis from others for longer than a millisecond.
	sweepSize = 100
)

// OwedTask is a task as it is kept.
type OwedTask struct {
	plugin.Task
	text string
}

func owe(t plugin.Task) (OwedTask, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return OwedTask{}, fmt.Errorf("encode task: %w", err)
	}
	return OwedTask{Task: t, text: string(b)}, nil
}

func readTasks(v any) ([]OwedTask, error) {
	entries, _ := v.([]any)
	tasks := make([]OwedTask, 0, len(entries))
	for _, entry := range entries {
		t := OwedTask{text: text(entry)}
		if err := json.Unmarshal([]byte(t.text), &t.Task); err != nil {
			return nil, fmt.Errorf("decode task: %w", err)
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// Tasks returns tasks that were left undone, and keeps them from others for a while. more says that there may be others.
func (s *Store) Tasks(ctx context.Context, now time.Time) (tasks []OwedTask, more bool, err error) {
	if due, err := s.anyDue(ctx, "tasks", now); !due {
		return nil, false, err
	}
	got, err := s.run(ctx, tasksScript, ms(now), ms(now.Add(taskAgain)), sweepSize)
	if err != nil {
		return nil, false, err
	}
	tasks, err = readTasks(got[0])
	return tasks, len(tasks) == sweepSize, err
}

// anyDue tells whether a set of things by their times has any whose time has come. The script runs only then:
// mostly there is nothing.
func (s *Store) anyDue(ctx context.Context, set string, now time.Time) (bool, error) {
	n, err := s.rdb.ZCount(ctx, prefix+set, "-inf", strconv.FormatInt(ms(now), 10)).Result()
	return n > 0, broken(err)
}

// TaskDone forgets a task.
func (s *Store) TaskDone(ctx context.Context, t OwedTask) error {
	return broken(s.rdb.ZRem(ctx, prefix+"tasks", t.text).Err())
}

// Abandon has a peer closed that a node made, or may have made, for a decision that was dropped, and spends its
// generation. A peer that was written after all, by whoever decided the same command, is left alone.
func (s *Store) Abandon(ctx context.Context, p plugin.PeerKey, now time.Time) ([]OwedTask, error) {
	task, err := owe(plugin.Task{Close: &plugin.Close{
		Node: p.Node, Handle: p.Handle, Generation: p.Generation, Quiet: true,
	}})
	if err != nil {
		return nil, err
	}
	got, err := s.run(ctx, abandonScript, p.Handle.Session, p.Handle.Handle, p.Node, peerMember(p), p.Generation,
		task.text, ms(now.Add(taskAgain)))
	if err != nil || number(got[0]) == 0 {
		return nil, err
	}
	return []OwedTask{task}, nil
}

// Spent returns the last generation of a handle's that was abandoned, 0 if none was.
func (s *Store) Spent(ctx context.Context, h plugin.HandleID) (uint32, error) {
	n, err := s.rdb.HGet(ctx, fmt.Sprintf("%ssession:%d", prefix, h.Session), fmt.Sprintf("s:%d", h.Handle)).Uint64()
	if isNil(err) {
		return 0, nil
	}
	return uint32(n), broken(err)
}
