package node

import (
	"fmt"
	"sync"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// directory is what shards know of each other's feeds. It is asked by commands only.
type directory struct {
	mu    sync.Mutex
	feeds map[FeedID]*listing
}

// listing is one feed.
type listing struct {
	publisher *publisher // for its identity; all else of it is its shard's
	shard     *shard
	streams   map[string]string // codecs by mid; none of a stream that is inactive for now
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

// remove forgets a publisher's feed.
func (d *directory) remove(feed FeedID, pub *publisher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.feeds[feed]; l != nil && l.publisher == pub {
		delete(d.feeds, feed)
	}
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
