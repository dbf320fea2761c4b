package transport

import "time"

// stoppedFor is how long a worker does not run before it asks whether others have its peers now: somewhat less than it takes
// to find that a node is dead. It runs ten times a second at the least.
const stoppedFor = time.Second

// Guard has woken called, on the worker's goroutine, when the worker has not run for long, as when its process was stopped.
// It is quiet from then on until Resume: it sends no media and answers no checks. Nil ends that.
func (w *Worker) Guard(woken func()) {
	w.woken = woken
	if woken == nil {
		w.quiet = false
	}
}

// Resume ends what Guard says.
func (w *Worker) Resume() { w.quiet = false }

// turn reads the clock at the beginning of what the worker does, and sees whether it has run all the time.
func (w *Worker) turn() time.Duration {
	now := w.Now()
	if w.woken != nil && now-w.turned >= stoppedFor {
		w.quiet = true
		w.woken()
	}
	w.turned = now
	return now
}
