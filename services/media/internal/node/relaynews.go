package node

import (
	"context"
	"errors"
	"sync"

	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// errFeedEnded says that there is nothing more to tell.
var errFeedEnded = errors.New("feed has ended")

// maxRelayMessages is how many messages may wait for another node; maxMirroredData bounds their bytes.
const maxRelayMessages = 4096

// relayNews are what waits to be told to another node. A message too many is dropped, and that is told.
type relayNews struct {
	wake chan struct{} // has room for one; full when the reader should look again

	mu        sync.Mutex // guards all that follows
	streams   []RelayStream
	described bool
	messages  []transport.Message
	bytes     int
	lost      bool
	ended     bool
	movedTo   string
}

func newRelayNews() *relayNews { return &relayNews{wake: make(chan struct{}, 1)} }

// change has f change what waits.
func (q *relayNews) change(f func()) {
	q.mu.Lock()
	f()
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *relayNews) describe(streams []RelayStream) {
	q.change(func() { q.streams, q.described = streams, true })
}

// message is false if there is no room. m.Data is kept.
func (q *relayNews) message(m transport.Message) (taken bool) {
	q.change(func() {
		if taken = q.bytes+len(m.Data) <= maxMirroredData && len(q.messages) < maxRelayMessages; !taken {
			q.lost = true
			return
		}
		q.messages = append(q.messages, m)
		q.bytes += len(m.Data)
	})
	return taken
}

func (q *relayNews) end(movedTo string) {
	q.change(func() { q.ended, q.movedTo = true, movedTo })
}

// next waits for news. errFeedEnded comes last.
func (q *relayNews) next(ctx context.Context) (RelayNews, error) {
	for {
		if news, ok, err := q.take(); ok || err != nil {
			return news, err
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return RelayNews{}, ctx.Err()
		}
	}
}

func (q *relayNews) take() (news RelayNews, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.described:
		news.Streams, news.Described, q.described = q.streams, true, false
	case len(q.messages) > 0:
		m := q.messages[0]
		q.messages[0] = transport.Message{} // let go of its bytes
		q.messages = q.messages[1:]
		q.bytes -= len(m.Data)
		news.Message = &m
	case q.lost:
		news.MessagesLost, q.lost = true, false
	case q.ended && q.movedTo != "":
		news.MovedTo = q.movedTo
	case q.ended:
		return news, false, errFeedEnded
	default:
		return news, false, nil
	}
	return news, true, nil
}
