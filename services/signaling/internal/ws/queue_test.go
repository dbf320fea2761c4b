package ws

import (
	"slices"
	"testing"
)

func TestQueueIsBoundedAndKeepsOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		opt  Options
		size int
	}{
		{"by number", Options{QueueLength: 3, QueueBytes: 1000}, 1},
		{"by bytes", Options{QueueLength: 1000, QueueBytes: 32}, 10},
	} {
		q := queue{writing: true}
		for i := range 4 {
			if got, want := q.put(make([]byte, c.size, 100+i), &c.opt), i < 3; got != want {
				t.Errorf("%s: message %d: %v", c.name, i, got)
			}
		}
		for i := range 3 {
			if message, ok, more, _ := q.take(); !ok || cap(message) != 100+i || more != (i < 2) {
				t.Errorf("%s: took another than message %d", c.name, i)
			}
		}
		if _, ok, _, ended := q.take(); ok || ended || q.bytes != 0 || q.writing {
			t.Errorf("%s: something is left", c.name)
		}
	}
}

// TestAWriterComesWhenThereIsWork, one at a time, and once more for the end.
func TestAWriterComesWhenThereIsWork(t *testing.T) {
	opt := Options{QueueLength: 3, QueueBytes: 1000}
	var q queue
	var wrote []string // by one writer after another
	q.write = func() {
		for {
			message, ok, _, ended := q.take()
			if ok {
				wrote = append(wrote, string(message))
				continue
			}
			if ended {
				wrote = append(wrote, "end")
			}
			return
		}
	}
	for _, message := range []string{"a", "b"} {
		q.put([]byte(message), &opt)
		q.writers.Wait()
	}
	q.end()
	q.end()
	if !q.put([]byte("late"), &opt) {
		t.Error("a message after the end is one too many")
	}
	q.writers.Wait()
	if want := []string{"a", "b", "end"}; !slices.Equal(wrote, want) {
		t.Errorf("wrote %q, want %q", wrote, want)
	}
}
