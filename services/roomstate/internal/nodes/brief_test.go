package nodes

import (
	"net"
	"slices"
	"testing"
	"time"
)

// TestWhoMissesABeatIsDeadIfNothingListensThere is for a process that was killed: its machine refuses connections at once. One
// that is only slow accepts them, or nobody answers at all.
func TestWhoMissesABeatIsDeadIfNothingListensThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	slow, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	killed := l.Addr().String()
	_ = l.Close()
	r := registry(t, true)
	now := time.Now()
	r.Heard(beat("killed", killed, 0), now.Add(-brief))
	r.Heard(beat("beats", killed, 0), now)
	r.Heard(beat("slow", slow.Addr().String(), 0), now.Add(-brief))
	if dead := deadOf(t, r); !slices.Equal(dead, []string{"killed"}) {
		t.Errorf("dead: %v", dead)
	}
	away := registry(t, false)
	away.Heard(beat("killed", killed, 0), now.Add(-brief))
	if dead := deadOf(t, away); len(dead) != 0 {
		t.Errorf("dead while the bus is away: %v", dead)
	}
}
