package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
)

// feed is a publisher's streams and messages as the slots of one shard find them: the publisher itself, its mirror, or
// what is pulled from another node.
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
	heard()  // somebody listens, or does no more
}

func (f *feed) init(streams finder) {
	f.streams = streams
	f.listeners, f.watchers = map[*slot]string{}, map[*slot]struct{}{}
}

func (f *feed) listen(s *slot, label string) {
	f.listeners[s] = label
	f.streams.heard()
}

func (f *feed) unlisten(s *slot) {
	delete(f.listeners, s)
	f.streams.heard()
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

// end tells slots that there is nothing more to come, or on which node it goes on.
func (f *feed) end(to string, now time.Duration) {
	listeners, watchers := f.listeners, f.watchers
	f.listeners, f.watchers = map[*slot]string{}, map[*slot]struct{}{}
	for s, label := range listeners {
		s.deafen(f)
		if to != "" {
			s.hearAt(to, f.id, label)
		}
	}
	for s := range watchers {
		if to == "" {
			s.blind()
		} else {
			s.watchAt(to, now)
		}
	}
}

// at tells slots on which node the feed is.
func (f *feed) at(node string) {
	for s := range f.watchers {
		source := *s.source
		source.Node = node
		s.source = &source
	}
}

// feed finds what a slot wants in its own shard, mirrored or pulled from a node if need be; nil if nobody publishes it.
func (sh *shard) feed(id FeedID, node string) *feed {
	if pub := sh.published(id, node); pub != nil {
		return &pub.feed
	}
	if m := sh.mirrors[id]; m != nil {
		m.redirect(node)
		return &m.feed
	}
	origin := sh.node.known.origin(id)
	if origin == nil && !sh.node.elsewhere(node) {
		node = sh.node.known.movedTo(id) // if it has
	}
	if sh.node.elsewhere(node) && sh.node.known.coming(id) {
		origin = nil
	}
	switch {
	case id == "" || origin == nil && !sh.node.elsewhere(node):
		return nil
	case origin != nil:
		node = ""
	default:
		origin = sh.node.home(id)
	}
	if origin != sh {
		return &sh.mirror(id, origin, node).feed
	}
	if p := sh.pull(id, node); p != nil {
		return &p.feed
	}
	return nil
}
