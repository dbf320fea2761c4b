package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	// taskAgain is when a task that has not been done is taken up again, by any replica.
	taskAgain = 3 * time.Second
	// sweepSize is how much is taken up at once.
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

// Tasks returns tasks that were left undone, and keeps them from others for a while.
func (s *Store) Tasks(ctx context.Context, now time.Time) ([]OwedTask, error) {
	got, err := s.run(ctx, tasksScript, ms(now), ms(now.Add(taskAgain)), sweepSize)
	if err != nil {
		return nil, err
	}
	return readTasks(got[0])
}

// TaskDone forgets a task.
func (s *Store) TaskDone(ctx context.Context, t OwedTask) error {
	return broken(s.rdb.ZRem(ctx, prefix+"tasks", t.text).Err())
}
