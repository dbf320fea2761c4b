package nodes

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// Ask puts a request to all nodes that live, and returns the first answer: for what is on one of them and it is not known
// on which. The error carries fault.NoSuchPeer if none has it.
func (r *Registry) Ask(ctx context.Context, request proto.Message) (proto.Message, error) {
	r.Learn(ctx)
	ids := r.living()
	type answer struct {
		response proto.Message
		err      error
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answers := make(chan answer, len(ids))
	for _, id := range ids {
		go func() {
			response, err := r.Call(ctx, id, request)
			answers <- answer{response, err}
		}()
	}
	var errs []error
	var found proto.Message
	for range ids { // each ends: calls are bounded
		switch a := <-answers; {
		case a.err == nil && found == nil:
			found = a.response
			cancel() // the others need not answer any more
		case a.err != nil && fault.Of(a.err) != fault.NoSuchPeer:
			errs = append(errs, a.err)
		}
	}
	switch {
	case found != nil:
		return found, nil
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	}
	return nil, fault.New(fault.NoSuchPeer, nil)
}

func (r *Registry) living() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for id, n := range r.nodes {
		if !n.dead {
			ids = append(ids, id)
		}
	}
	return ids
}
