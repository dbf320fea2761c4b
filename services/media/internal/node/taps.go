package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
)

// taps are what is fed from a feed beside the legs of its own shard: mirrors in others, and relays to other nodes.
type taps struct {
	mirrors []*mirror
	relays  []*outRelay
}

// end is for a feed that has ended, or goes on on another node.
func (t *taps) end(to string, now time.Duration) {
	for _, m := range t.mirrors {
		m.shard.worker.Post(func(now time.Duration) { m.end(to, now) })
	}
	t.mirrors = nil
	for len(t.relays) > 0 {
		t.relays[0].end(to)
	}
}

// source is what mirrors are fed from: a publisher, or what is pulled from another node. It belongs to its shard.
type source interface {
	tapped() *taps
	descriptions() []description
	numbered(number uint32) *flow // nil if there is no such stream
	// wants says what a mirror wants of a stream, or, of anyMessages, whether it has listeners: any layer says so.
	wants(m *mirror, number uint32, w mirrorWants)
	untapped() // a mirror has gone
}

// anyMessages stands for data channels among the numbers of streams, which begin with 1.
const anyMessages = 0

// description is what a mirror has to know of a stream before its packets come.
type description struct {
	number     uint32
	mid, codec string
	config     forward.StreamConfig
}

// source finds what is to be mirrored from this shard; nil if it is not here.
func (sh *shard) source(id FeedID, node string) source {
	if pub := sh.published(id, node); pub != nil {
		return pub
	}
	if sh.node.elsewhere(node) {
		if p := sh.pull(id, node); p != nil {
			return p
		}
	}
	return nil
}

// published finds a feed's publisher in this shard; nil if it is not here, or still to come from the node that has the feed.
func (sh *shard) published(id FeedID, node string) *publisher {
	pub := sh.feeds[id]
	if pub != nil && pub.peer.taking != nil && sh.node.elsewhere(node) {
		return nil
	}
	return pub
}
