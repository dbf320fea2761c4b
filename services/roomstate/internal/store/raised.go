package store

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// Raised are events as they are kept and sent. What many are told is there once: an encoded event may be cut between its fields,
// and its parts, one after the other, are the event again.
type Raised struct {
	Kinds [][]byte // each an event of nothing but its kind
	Runs  []Run

	order []int // by kind: of which write it is
}

// Run is events of one session that follow one another.
type Run struct {
	Session uint64
	First   uint64 // number of the first; 0 if there is no such session
	Edge    string // subject on which the owner's edge hears events of all its sessions; empty if there is none
	By      int    // which write raised them, if they are of the session that it acts for; else -1
	To      []byte // what the events are but number and kind
	Kinds   []uint16

	events []*busv1.Event
}

// Events are the events of the run.
func (r *Run) Events() []*busv1.Event { return r.events }

// longestRun keeps what a script takes as one list short.
const longestRun = 256

// gather puts the events of writes together, those of each session in order.
func gather(writes []*Write) (r Raised, err error) {
	type said struct {
		by   int
		kind any
	}
	kinds := map[said]uint16{}
	last := map[uint64]int{} // run of a session, the newest
	var order []int          // writes, by kind: what says of which write a kind is
	for by, w := range writes {
		for _, event := range w.Events {
			key := said{by, event.GetKind()}
			k, known := kinds[key]
			if !known {
				if len(r.Kinds) > 0xffff {
					return r, fmt.Errorf("more than %d different events at once", 0xffff)
				}
				b, err := proto.Marshal(&busv1.Event{Kind: event.Kind})
				if err != nil {
					return r, fmt.Errorf("encode event: %w", err)
				}
				k = uint16(len(r.Kinds))
				kinds[key] = k
				r.Kinds, order = append(r.Kinds, b), append(order, by)
			}
			own := -1
			if event.GetSessionId() == w.Handle.ID.Session && !w.Over {
				own = by
			}
			if i, ok := last[event.GetSessionId()]; ok && r.Runs[i].takes(event, own) {
				r.Runs[i].Kinds = append(r.Runs[i].Kinds, k)
				r.Runs[i].events = append(r.Runs[i].events, event)
				continue
			}
			run := Run{Session: event.GetSessionId(), By: own, Kinds: []uint16{k}, events: []*busv1.Event{event}}
			kind := event.Kind
			event.Kind = nil
			run.To, err = proto.Marshal(event)
			event.Kind = kind
			if err != nil {
				return r, fmt.Errorf("encode event: %w", err)
			}
			last[run.Session] = len(r.Runs)
			r.Runs = append(r.Runs, run)
		}
	}
	r.order = order
	return r, nil
}

// takes tells whether an event is as those of the run, but for its kind.
func (r *Run) takes(event *busv1.Event, by int) bool {
	one := r.events[0]
	return len(r.Kinds) < longestRun && r.By == by && one.GetHandleId() == event.GetHandleId() && one.GetCommandId() == event.GetCommandId() &&
		one.GetTransaction() == event.GetTransaction() && one.GetOpaqueId() == event.GetOpaqueId() && one.GetTraceparent() == event.GetTraceparent()
}

// raised adds the events.
func (e *encoder) raised(r Raised) {
	e.add(len(r.Kinds))
	for i, kind := range r.Kinds {
		e.add(r.order[i]+1, kind)
	}
	e.add(len(r.Runs))
	for _, run := range r.Runs {
		kinds := make([]byte, 0, 2*len(run.Kinds))
		for _, k := range run.Kinds {
			kinds = binary.BigEndian.AppendUint16(kinds, k+1)
		}
		e.add(run.Session, run.To, kinds)
	}
}

// number gives runs, and the events that they are made of, their numbers, and says where their owners are.
func (r *Raised) number(firsts, edges []any) {
	for i := range r.Runs {
		run := &r.Runs[i]
		run.First, run.Edge = uint64(number(firsts[i])), text(edges[i])
		for j, event := range run.events {
			if event.Number = 0; run.First > 0 {
				event.Number = run.First + uint64(j)
			}
		}
	}
}

// Encoded returns the event of a run, encoded.
func (r *Raised) Encoded(run *Run, i int) []byte {
	kind := r.Kinds[run.Kinds[i]]
	b := make([]byte, 0, len(run.To)+len(kind)+11)
	b = protowire.AppendTag(append(b, run.To...), 1, protowire.VarintType)
	return append(protowire.AppendVarint(b, run.First+uint64(i)), kind...)
}
