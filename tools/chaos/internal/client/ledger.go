package client

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// told is what a witness is told of a guest.
type told uint8

const (
	joins told = iota
	leaves
)

// deed is something a guest did. Guests have numbers that never come again.
type deed struct {
	guest uint64
	what  told
}

func (d deed) String() string {
	return fmt.Sprintf("%d %s", d.guest, [...]string{"joins", "leaves"}[d.what])
}

// Ledger says what guests have done, and what each witness was told of it.
type Ledger struct {
	mu    sync.Mutex         // guards what follows
	done  map[deed]time.Time // and when that was certain
	heard []map[deed]hearing // by witness
}

// hearing is how often something was told, and when it was last.
type hearing struct {
	times int
	last  time.Time
}

// witness adds one, and returns its number.
func (l *Ledger) witness() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, map[deed]hearing{})
	return len(l.heard) - 1
}

// did notes what has certainly been done. Those who came later are not concerned.
func (l *Ledger) did(guest uint64, what told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = map[deed]time.Time{}
	}
	l.done[deed{guest, what}] = time.Now()
}

func (l *Ledger) hear(witness int, guest uint64, what told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := deed{guest, what}
	l.heard[witness][d] = hearing{l.heard[witness][d].times + 1, time.Now()}
}

// tally says what a witness has not heard of what was done after since and before until, and what it heard too often, after since at
// the latest: what comes again may have been done before.
func (l *Ledger) tally(witness int, since, until time.Time) (lost, twice []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for d, at := range l.done {
		if l.heard[witness][d].times == 0 && at.After(since) && at.Before(until) {
			lost = append(lost, d.String())
		}
	}
	for d, h := range l.heard[witness] {
		if h.times > 1 && h.last.After(since) {
			twice = append(twice, fmt.Sprintf("%v ×%d", d, h.times))
		}
	}
	slices.Sort(lost)
	slices.Sort(twice)
	return lost, twice
}
