package node

import "github.com/cardea-rtc/cardea/services/media/internal/forward"

// feed is a publisher's streams and messages as the slots of one shard find them: the publisher itself, or its mirror.
type feed struct {
	id        FeedID
	streams   finder
	listeners map[*slot]string   // data slots that hear this feed, with the labels of their channels; "" for that of the message
	watchers  map[*slot]struct{} // slots that want one of its streams, there or not
}

// finder finds a feed's stream, nil if it is not there for now or has another codec.
type finder interface {
	find(mid, codec string) *forward.Stream
	unused() // nobody listens or watches any more
}

func (f *feed) init(streams finder) {
	f.streams = streams
	f.listeners, f.watchers = map[*slot]string{}, map[*slot]struct{}{}
}

func (f *feed) unlisten(s *slot) {
	delete(f.listeners, s)
	f.left()
}

func (f *feed) unwatch(s *slot) {
	delete(f.watchers, s)
	f.left()
}

func (f *feed) left() {
	if len(f.listeners)+len(f.watchers) == 0 {
		f.streams.unused()
	}
}

// end tells slots that there is nothing more to come.
func (f *feed) end() {
	for s := range f.listeners {
		s.deafen(f)
	}
	for s := range f.watchers {
		s.blind()
	}
	clear(f.listeners)
	clear(f.watchers)
}

// feed finds what a slot wants in its own shard, mirrored if need be; nil if nobody publishes it.
func (sh *shard) feed(id FeedID) *feed {
	if pub := sh.feeds[id]; pub != nil {
		return &pub.feed
	}
	if m := sh.mirrors[id]; m != nil {
		return &m.feed
	}
	if origin := sh.node.known.origin(id); origin != nil && origin != sh {
		return &sh.mirror(id, origin).feed
	}
	return nil
}
