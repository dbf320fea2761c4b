package transport

import (
	"context"
	"testing"
	"time"
)

func TestOutboxEndsWhereItWouldLeaveAHole(t *testing.T) {
	for _, c := range []struct {
		name     string
		size     int
		messages int // that fit
	}{
		{"by bytes", MaxMessage, maxQueuedData / MaxMessage},
		{"by number", 1, maxQueuedMessages},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOutbox()
			m := Message{Data: make([]byte, c.size)}
			if o.put(m) != notOpen {
				t.Error("taken before it is open")
			}
			overflow := o.open(nil)
			for i := range c.messages {
				if got := o.put(m); got != queued {
					t.Fatalf("message %d: %d", i, got)
				}
			}
			if got := o.put(m); got != overflowed {
				t.Errorf("one too many: %d", got)
			}
			select {
			case <-overflow:
			default:
				t.Error("nobody is told")
			}
			if o.put(m) != notOpen {
				t.Error("taken after the overflow")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := o.next(ctx); err == nil {
				t.Error("something is left")
			}
			o.open(nil)
			if o.put(m) != queued {
				t.Error("not taken when it is open again")
			}
		})
	}
}
