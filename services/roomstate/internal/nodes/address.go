package nodes

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// addressed returns request with the address that each node named in it has now in the place of its id. What was on a node
// that is gone is nobody's; a peer cannot be taken from such a one.
func (r *Registry) addressed(ctx context.Context, request proto.Message) (proto.Message, error) {
	switch request := request.(type) {
	case *mediav1.TakePeerRequest:
		if request.GetKeeper() != "" {
			address, ok := r.address(ctx, request.GetKeeper())
			if !ok {
				return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("node %s, which keeps the peer, is gone", request.GetKeeper()))
			}
			request = proto.CloneOf(request)
			request.Keeper = address
			return request, nil
		}
		address, ok := r.address(ctx, request.GetFrom())
		if !ok {
			return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("node %s, which has the peer, is gone", request.GetFrom()))
		}
		request = proto.CloneOf(request)
		request.From = address
		return request, nil
	case *mediav1.MakeOfferRequest:
		if slices.ContainsFunc(request.GetSlots(), elsewhere) {
			request = proto.CloneOf(request)
			r.addressSlots(ctx, request.GetSlots())
		}
		return request, nil
	case *mediav1.UpdateSubscriberRequest:
		if slices.ContainsFunc(request.GetSlots(), elsewhere) {
			request = proto.CloneOf(request)
			r.addressSlots(ctx, request.GetSlots())
		}
		return request, nil
	}
	return request, nil
}

// elsewhere tells whether any source of a slot is on another node.
func elsewhere(s *mediav1.Slot) bool {
	return s.GetSource().GetNode() != "" ||
		slices.ContainsFunc(s.GetDataSources(), func(d *mediav1.DataSource) bool { return d.GetNode() != "" })
}

func (r *Registry) addressSlots(ctx context.Context, slots []*mediav1.Slot) {
	for _, s := range slots {
		if from := s.GetSource(); from.GetNode() != "" {
			address, ok := r.address(ctx, from.GetNode())
			if from.Node = address; !ok {
				from.Feed = ""
			}
		}
		s.DataSources = slices.DeleteFunc(s.DataSources, func(d *mediav1.DataSource) bool {
			if d.GetNode() == "" {
				return false
			}
			address, ok := r.address(ctx, d.GetNode())
			d.Node = address
			return !ok
		})
	}
}

// address is where a node answers, false for one that is not there.
func (r *Registry) address(ctx context.Context, id string) (string, bool) {
	if !r.knows(id) {
		r.Learn(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[id]
	if !ok || n.dead {
		return "", false
	}
	return n.address, true
}
