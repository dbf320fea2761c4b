package transport

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// directory is what the workers of a port know of each other's peers. It is asked for connectivity checks only:
// other datagrams find their way by the tables of the worker on which they arrive.
type directory struct {
	mu     sync.Mutex // guards all
	ufrags map[string]*Worker
	claims map[path]*claim
	relays map[uint32]struct{} // numbers of RelayReceivers
}

// claim is whose a path is.
type claim struct {
	owner *Peer        // fixed at birth
	used  atomic.Int64 // time.Duration: when an authentic check or media last came on it; written by the owner's worker
	told  []*Worker    // others on whose sockets the path's datagrams arrive; the owner's worker's
}

// held reports whether the path is its owner's alone.
func (c *claim) held(now time.Duration) bool { return now-time.Duration(c.used.Load()) < pathHeld }

// enter makes a ufrag known as one of a worker's.
func (d *directory) enter(ufrag string, w *Worker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ufrags[ufrag] = w
}

func (d *directory) remove(ufrag string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ufrags, ufrag)
}

// find returns the worker of a ufrag, or nil.
func (d *directory) find(ufrag []byte) *Worker {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ufrags[string(ufrag)]
}

// claimed returns whose a path is, or nil.
func (d *directory) claimed(from path) *claim {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.claims[from]
}

// claim makes a path c's, and returns the claim before.
func (d *directory) claim(from path, c *claim) (former *claim) {
	d.mu.Lock()
	defer d.mu.Unlock()
	former = d.claims[from]
	d.claims[from] = c
	return former
}

// release ends a claim, unless the path is another's by now.
func (d *directory) release(from path, c *claim) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claims[from] == c {
		delete(d.claims, from)
	}
}

// newRelay draws a number that no other relay has. It is not 0.
func (d *directory) newRelay() uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		n := rand.Uint32()
		if _, used := d.relays[n]; n != 0 && !used {
			d.relays[n] = struct{}{}
			return n
		}
	}
}

func (d *directory) endRelay(n uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.relays, n)
}
