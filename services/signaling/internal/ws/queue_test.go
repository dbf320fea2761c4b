package ws

import "testing"

func TestQueueIsBoundedAndKeepsOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		opt  Options
		size int
	}{
		{"by number", Options{QueueLength: 3, QueueBytes: 1000}, 1},
		{"by bytes", Options{QueueLength: 1000, QueueBytes: 32}, 10},
	} {
		q := queue{wake: make(chan struct{}, 1)}
		for i := range 4 {
			if got, want := q.put(make([]byte, c.size, 100+i), &c.opt), i < 3; got != want {
				t.Errorf("%s: message %d: %v", c.name, i, got)
			}
		}
		for i := range 3 {
			<-q.wake
			if message, ok := q.take(); !ok || cap(message) != 100+i {
				t.Errorf("%s: took another than message %d", c.name, i)
			}
		}
		if _, ok := q.take(); ok || len(q.wake) != 0 || q.bytes != 0 {
			t.Errorf("%s: something is left", c.name)
		}
	}
}
