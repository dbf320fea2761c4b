package main

import (
	"sync"

	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/endpoint"
)

// hearing is one PeerConnection by which a person hears feeds.
type hearing struct {
	subscriber *endpoint.Subscriber
	feeds      []*feed

	mu   sync.Mutex
	from map[synth.StreamID]uint32 // of each stream, the packets that have been counted, or were sent before
}

// mark is how many packets of each stream had been sent at some moment.
type mark map[synth.StreamID]uint32

func (h *hearing) sent() mark {
	m := mark{}
	for _, f := range h.feeds {
		for _, s := range f.publisher.Streams {
			m[s.ID] = s.Sent()
		}
	}
	return m
}

// over tells whether there is nothing left to hear.
func (h *hearing) over() bool {
	for _, f := range h.feeds {
		if !f.left() {
			return false
		}
	}
	return true
}

// count returns how many packets were to come since it was asked before, up to a mark, and how many did. Of a stream of which
// nothing has come yet, nothing is counted: silent are those that have been silent for patience packets.
func (h *hearing) count(to mark) (expected, received uint64, silent int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, tally := range h.subscriber.Tallies {
		first, some := tally.First()
		switch {
		case !some && to[id] > h.from[id]+patience:
			silent++
		case some:
			from := max(h.from[id], first)
			if to[id] > from {
				expected += uint64(to[id] - from)
				received += tally.Between(from, to[id])
				h.from[id] = to[id]
			}
		}
	}
	return expected, received, silent
}

// patience is how many packets of a stream may be sent before the first of them has come: some seconds of sound.
const patience = 250
