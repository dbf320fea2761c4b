package admin

import (
	"context"
	"encoding/json"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// knob is a setting that one request changes, for the whole cluster (spec/janus-api.md, section 7.1).
type knob struct {
	parameter string
	name      string // in the answer, in get_status and in the store
	onOff     bool   // else a number
	most      int64  // of a number
	at        int64  // as services start with; a number from 0, or 1 for on

	// started is what a node was started with. Without it, nodes do not go by the knob: it is kept and told, since nothing here corresponds.
	started func(*busv1.NodeStatus) uint32
}

const (
	noMediaTimer      = "no_media_timer"
	slowLinkThreshold = "slowlink_threshold"
	// mostSeconds and mostPackets are what a node counts with.
	mostSeconds, mostPackets = 1 << 20, 1<<32 - 1
	// mostNackQueue is Janus's, in milliseconds.
	mostNackQueue = 1000
)

var knobs = map[string]knob{
	"set_no_media_timer":     {parameter: noMediaTimer, name: noMediaTimer, most: mostSeconds, at: 1, started: (*busv1.NodeStatus).GetNoMediaTimerS},
	"set_slowlink_threshold": {parameter: slowLinkThreshold, name: slowLinkThreshold, most: mostPackets, started: (*busv1.NodeStatus).GetSlowLinkThreshold},
	// Rings are sized by time, locks and references are the Go runtime's, and the log has no colours.
	"set_min_nack_queue":     {parameter: "min_nack_queue", name: "min_nack_queue", most: mostNackQueue},
	"set_nack_optimizations": {parameter: "nack_optimizations", name: "nack-optimizations", onOff: true},
	"set_log_timestamps":     {parameter: "timestamps", name: "log_timestamps", onOff: true, at: 1},
	"set_log_colors":         {parameter: "colors", name: "log_colors", onOff: true},
	"set_locking_debug":      {parameter: "debug", name: "locking_debug", onOff: true},
	"set_refcount_debug":     {parameter: "debug", name: "refcount_debug", onOff: true},
}

// set carries out such a request.
func (k knob) set(s *Service, ctx context.Context, r *request) (members, error) {
	var p map[string]json.RawMessage
	if err := r.read(&p); err != nil {
		return nil, err
	}
	var n int64
	if k.onOff {
		if string(p[k.parameter]) == "true" {
			n = 1
		}
	} else {
		if err := json.Unmarshal(p[k.parameter], &n); err != nil {
			return nil, fault.Newf(fault.BadRequest, "Invalid parameters")
		}
		n = min(n, k.most)
	}
	if err := s.Store.SetNumber(ctx, k.name, n); err != nil {
		return nil, err
	}
	if k.started != nil {
		if err := s.TellNodes(ctx); err != nil {
			return nil, err
		}
	}
	return members{k.name: k.show(n)}, nil
}

// show is a value as answers have it.
func (k knob) show(n int64) any {
	if k.onOff {
		return n != 0
	}
	return n
}

// now is what a knob is set to: if nobody has, what nodes were started with, the most of them if they differ.
func (k knob) now(set store.Settings, nodes []Node) int64 {
	if n, ok := set.Numbers[k.name]; ok {
		return n
	}
	most, known := int64(0), false
	for _, n := range nodes {
		if k.started != nil && n.Status != nil {
			most, known = max(most, int64(k.started(n.Status))), true
		}
	}
	if known {
		return most
	}
	return k.at
}

// resetMediaSettings has nodes go by what they were started with again, for which Janus has no request.
func (s *Service) resetMediaSettings(ctx context.Context, _ *request) (members, error) {
	answer := members{}
	for _, k := range knobs {
		if k.started == nil {
			continue
		}
		if err := s.Store.DropNumber(ctx, k.name); err != nil {
			return nil, err
		}
		answer[k.name] = k.now(store.Settings{}, s.Nodes.List())
	}
	return answer, s.TellNodes(ctx)
}

// Knob is what the request of that name, which is nothing to nodes, has set, or the default.
func Knob(set store.Settings, request string) any {
	k := knobs[request]
	return k.show(k.now(set, nil))
}

// MediaSettings are what nodes are to go by instead of what they were started with; nil where nobody has said.
func MediaSettings(set store.Settings) (noMediaSeconds, slowLinkPackets *uint32) {
	of := func(name string) *uint32 {
		n, ok := set.Numbers[name]
		if !ok {
			return nil
		}
		return new(uint32(n))
	}
	return of(noMediaTimer), of(slowLinkThreshold)
}
