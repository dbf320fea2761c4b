package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// burst is how many seconds' worth of a rate may come at once.
const burst = 10

// mostIdle bounds what is remembered of those who have nothing open: for a rate alone. Beyond it some begin anew.
const mostIdle = 1 << 16

// Table counts for each key what is open, and how much comes a second.
type Table[K comparable] struct {
	open int        // of one key at a time; 0 for no limit
	rate rate.Limit // of one key a second; 0 for no limit

	mu    sync.Mutex
	byKey map[K]*user
	sweep int // entries at which those that tell nothing are looked for
}

// user is what is known of a key.
type user struct {
	open   int
	bucket *rate.Limiter
}

// NewTable returns a table with limits of one key: what is open, and what comes a second, ten seconds' worth at once. 0 stands for
// none.
func NewTable[K comparable](open, perSecond int) *Table[K] {
	return &Table[K]{open: open, rate: rate.Limit(perSecond), byKey: map[K]*user{}, sweep: 1024}
}

// Enter takes one more of a key. If it is too much, it says which limit was met; else leave is to be called, once, when it is over.
func (t *Table[K]) Enter(key K, now time.Time) (leave func(), met Met) {
	if t.open == 0 && t.rate == 0 {
		return func() {}, None
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	u, known := t.byKey[key]
	if !known {
		t.makeRoom(now)
		u = &user{bucket: rate.NewLimiter(t.rate, int(t.rate)*burst)}
		t.byKey[key] = u
	}
	switch {
	case t.open > 0 && u.open >= t.open:
		return nil, Open
	case t.rate > 0 && !u.bucket.AllowN(now, 1):
		return nil, Rate
	}
	u.open++
	return func() { t.leave(key, u) }, None
}

func (t *Table[K]) leave(key K, u *user) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.open--; u.open == 0 && t.rate == 0 {
		delete(t.byKey, key)
	}
}

// makeRoom forgets, now and then, who has nothing open and might have everything at once.
func (t *Table[K]) makeRoom(now time.Time) {
	if len(t.byKey) < t.sweep {
		return
	}
	idle := 0
	for key, u := range t.byKey {
		if u.open > 0 {
			continue
		}
		if idle++; idle > mostIdle/2 || u.bucket.TokensAt(now) >= float64(u.bucket.Burst()) {
			delete(t.byKey, key)
			idle--
		}
	}
	t.sweep = len(t.byKey) + mostIdle/2
}

// Met is a limit that was met.
type Met string

// The limits of a Table.
const (
	None Met = ""
	Open Met = "open"
	Rate Met = "rate"
)
