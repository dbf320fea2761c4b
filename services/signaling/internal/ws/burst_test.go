package ws

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// written is a connection that keeps what is written, call by call.
type written struct {
	net.Conn
	calls     []string
	deadlines []time.Time
	err       error
}

func (w *written) Write(p []byte) (int, error) {
	w.calls = append(w.calls, string(p))
	return len(p), w.err
}

func (w *written) SetWriteDeadline(t time.Time) error {
	w.deadlines = append(w.deadlines, t)
	return nil
}

func TestWhatIsHeldIsWrittenAtOnceAndInOrder(t *testing.T) {
	long := strings.Repeat("x", burstBytes-1)
	for name, c := range map[string]struct {
		do   func(b *burst)
		want []string // what was written together
	}{
		"by itself":  {func(b *burst) { put(b, "a", "b") }, []string{"a", "b"}},
		"held":       {func(b *burst) { b.hold(); put(b, "a", "b"); b.hold(); put(b, "c"); flush(b) }, []string{"abc"}},
		"after that": {func(b *burst) { b.hold(); put(b, "a"); flush(b); put(b, "b", "c") }, []string{"a", "b", "c"}},
		"nothing":    {func(b *burst) { b.hold(); flush(b); flush(b) }, nil},
		"too much":   {func(b *burst) { b.hold(); put(b, "a", long, "b", "c"); flush(b) }, []string{"a" + long, "bc"}},
		"too long":   {func(b *burst) { b.hold(); put(b, long+"xx", "b"); flush(b) }, []string{long + "xx", "b"}},
	} {
		w := &written{}
		c.do(&burst{Conn: w})
		if got := strings.Join(w.calls, ""); got != strings.Join(c.want, "") {
			t.Errorf("%s: wrote other than was given", name)
		}
		if len(w.deadlines) != len(c.want) { // one for each time that the connection is written to
			t.Errorf("%s: sent %d times, want %d", name, len(w.deadlines), len(c.want))
		}
	}
}

func put(b *burst, all ...string) {
	for _, s := range all {
		_, _ = b.Write([]byte(s))
	}
}

func flush(b *burst) { _ = b.flush(time.Time{}) }

func TestAFailureToSendWhatWasHeldIsTold(t *testing.T) {
	w := &written{err: errors.New("gone")}
	b := &burst{Conn: w}
	b.hold()
	if _, err := b.Write([]byte("a")); err != nil {
		t.Errorf("held: %v", err)
	}
	at := time.Unix(7, 0)
	if err := b.flush(at); !errors.Is(err, w.err) {
		t.Errorf("flush: %v", err)
	}
	if !slices.Equal(w.deadlines, []time.Time{at}) {
		t.Errorf("deadlines %v", w.deadlines)
	}
	if _, err := b.Write([]byte("b")); !errors.Is(err, w.err) {
		t.Errorf("write: %v", err)
	}
}
