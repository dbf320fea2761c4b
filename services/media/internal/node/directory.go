package node

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// directory is what shards know of each other's feeds. It is asked by commands only.
type directory struct {
	mu    sync.Mutex
	feeds map[FeedID]*listing
	moved map[FeedID]move
}

// move is where a feed has gone, and when.
type move struct {
	to string // gRPC address of the node
	at time.Time
}

// movesKnown is how long that is remembered.
const movesKnown = time.Minute

// listing is one feed.
type listing struct {
	publisher *publisher // for its identity; all else of it is its shard's
	shard     *shard
	streams   map[string]string // codecs by mid; none of a stream that is inactive for now
	coming    bool              // from another node, which serves it still
}

// register makes a feed known as a publisher's.
func (d *directory) register(feed FeedID, pub *publisher) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.feeds[feed]; l != nil && l.publisher != pub {
		return fault.New(fault.WrongState, fmt.Errorf("feed %q is published already", feed))
	}
	if d.feeds[feed] == nil {
		d.feeds[feed] = &listing{publisher: pub, shard: pub.peer.shard}
	}
	return nil
}

// list says what a publisher's feed has.
func (d *directory) list(pub *publisher) {
	streams := map[string]string{}
	for i := range pub.offered {
		if s := &pub.offered[i]; !s.Refused {
			streams[s.MID] = ""
		}
	}
	for _, in := range pub.streams {
		if in != nil {
			streams[in.agreed.MID] = in.agreed.Format.Codec
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.feeds[pub.id]; l != nil && l.publisher == pub {
		l.streams = streams
	}
}

// remove forgets a publisher's feed, but for where it goes on, if it does.
func (d *directory) remove(feed FeedID, pub *publisher, to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.feeds[feed]; l == nil || l.publisher != pub {
		return
	}
	delete(d.feeds, feed)
	now := time.Now()
	maps.DeleteFunc(d.moved, func(_ FeedID, m move) bool { return now.Sub(m.at) > movesKnown })
	delete(d.moved, feed)
	if to != "" {
		d.moved[feed] = move{to, now}
	}
}

// setComing says whether a feed that is here is served by another node still.
func (d *directory) setComing(feed FeedID, coming bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.feeds[feed]; l != nil {
		l.coming = coming
	}
}

// coming reports what setComing has set.
func (d *directory) coming(feed FeedID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.feeds[feed]
	return l != nil && l.coming
}

// movedTo returns where a feed has gone that was here, or the empty string.
func (d *directory) movedTo(feed FeedID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.moved[feed].to
}

// origin returns the shard of a feed, or nil.
func (d *directory) origin(feed FeedID) *shard {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.feeds[feed]; l != nil {
		return l.shard
	}
	return nil
}

// has reports whether a feed has a stream of that codec, or one that is not sent for now, but may be again.
func (d *directory) has(s *Source, codec string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.feeds[s.Feed]
	if l == nil {
		return false
	}
	now, listed := l.streams[s.MID]
	return listed && (now == codec || now == "")
}
