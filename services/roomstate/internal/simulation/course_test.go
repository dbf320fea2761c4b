package simulation

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// The world's course, in its own time.
const (
	filling  = 2 * time.Minute // sessions come
	living   = 4 * time.Minute // with churn and failures, in two halves
	calming  = time.Minute     // nothing new happens, and what is under way comes to its end
	emptying = sessionTimeout + 90*time.Second

	sessionTimeout = 5 * time.Minute
	keepalive      = 2 * time.Minute
)

// outcome is what a run tells.
type outcome struct {
	counts
	digest   uint64 // of all that all clients heard
	placed   []string
	keysLeft []string
}

func (w *world) course() outcome {
	var o outcome
	w.makeRooms()
	for i := range w.cfg.sessions {
		w.at(w.began.Add(filling*time.Duration(i)/time.Duration(w.cfg.sessions)), w.newClient)
	}
	w.run("filling", filling)
	w.rest()
	w.check("full")
	o.placed = append(o.placed, w.balance())
	for half := range 2 {
		w.churn(living / 2)
		w.fail(living / 2)
		w.run(fmt.Sprintf("churn and failures, %d of 2", half+1), living/2)
		w.rest()
		w.check("after failures")
		o.placed = append(o.placed, w.balance())
	}
	w.empty()
	w.run("emptying", emptying)
	w.check("empty")
	o.keysLeft = w.leftovers()
	o.counts = w.counts
	all := fnv.New64a()
	for _, c := range w.everyone {
		fmt.Fprintf(all, "%d:%d %x\n", c.index, c.heard, c.digest)
	}
	o.digest = all.Sum64()
	return o
}

// rest has what is under way come to its end. Who has missed its last event learns that with the answer to the next request.
func (w *world) rest() {
	w.after(calming/2, func() {
		for _, c := range slices.Clone(w.clients) {
			c.touch()
		}
	})
	w.run("coming to rest", calming)
}

// churn has clients leave, in all ways there are, and others come; an eighth of all in that time.
func (w *world) churn(d time.Duration) {
	for range w.cfg.sessions / 8 {
		w.after(w.upTo(d), func() {
			if c := w.anyClient(); c != nil {
				c.leave()
			}
			w.after(w.upTo(5*time.Second), w.newClient)
		})
	}
}

// fail has what is there die, stop or be drained.
func (w *world) fail(d time.Duration) {
	several := func(n int, f func()) {
		for range max(1, n) {
			w.after(w.upTo(d), f)
		}
	}
	several(w.cfg.nodes/20, w.killNode)
	several(w.cfg.nodes/40, w.drainNode)
	several(edges/5, w.killEdge)
	several(8, w.moveShards)
}

// empty has everybody go: half say so, and the others are not heard of any more.
func (w *world) empty() {
	for _, c := range slices.Clone(w.clients) {
		w.after(w.upTo(time.Minute), c.leave)
	}
}

func (o outcome) String() string {
	return fmt.Sprintf("%s; %s; left in Redis: %s; digest %x", o.counts, strings.Join(o.placed, "; "), strings.Join(o.keysLeft, ", "), o.digest)
}

// markdown is a table of the run.
func (o outcome) markdown(cfg config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sessions at a time, %d rooms, %d nodes, seed %d: %.0f s.\n\n", cfg.sessions, cfg.rooms, cfg.nodes, cfg.seed, cfg.elapsed().Seconds())
	fmt.Fprintf(&b, "| | |\n|---|---|\n")
	for _, row := range o.rows() {
		fmt.Fprintf(&b, "| %s | %d |\n", row.what, row.n)
	}
	for i, when := range []string{"full", "after the first failures", "after the second"} {
		fmt.Fprintf(&b, "| nodes when %s | %s |\n", when, o.placed[i])
	}
	fmt.Fprintf(&b, "| left in Redis when empty | %s |\n", strings.Join(o.keysLeft, ", "))
	return b.String()
}
