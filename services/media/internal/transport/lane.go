package transport

import "time"

// maxUnderWay is how many parcels of a lane may wait to be handled: as many bursts.
const maxUnderWay = 64

// Lane takes what one worker has for another there, once per burst: no more than one lock, and one poke, for all of
// it. Parcels are used again and again, so a steady flow allocates nothing; when too many are under way, the lane
// is full. All methods belong to the sending worker.
type Lane[T any] struct {
	to      *Worker
	deliver func(content *T, now time.Duration) // on the other worker; what it is given is only lent
	back    chan *parcel[T]                     // that have been handled
	made    int
	open    *parcel[T]
}

// parcel is what a burst has for one worker.
type parcel[T any] struct {
	content T
	arrive  func(now time.Duration) // made once: closures allocate
}

// NewLane returns a lane to a worker, where deliver is called.
func NewLane[T any](to *Worker, deliver func(content *T, now time.Duration)) *Lane[T] {
	return &Lane[T]{to: to, deliver: deliver, back: make(chan *parcel[T], maxUnderWay)}
}

// Load returns the parcel of this burst, to be added to, or nil if the lane is full. It holds what it held when it
// was used before, so it is to be emptied by deliver.
func (l *Lane[T]) Load() *T {
	if l.open == nil && !l.take() {
		return nil
	}
	return &l.open.content
}

func (l *Lane[T]) take() bool {
	select {
	case l.open = <-l.back:
		return true
	default:
	}
	if l.made == maxUnderWay {
		return false
	}
	l.made++
	p := new(parcel[T])
	p.arrive = func(now time.Duration) {
		l.deliver(&p.content, now)
		l.back <- p // has room for all that are made
	}
	l.open = p
	return true
}

// Send ends a burst: what was loaded goes off, if anything was.
func (l *Lane[T]) Send() {
	if l.open == nil {
		return
	}
	if p := l.open; !l.to.Post(p.arrive) {
		l.made-- // the other has ended
	}
	l.open = nil
}
