package room

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// asksAtOnce bounds the calls that one command has under way.
const asksAtOnce = 32

// ask puts the questions to whom they concern, all at once, and adds what they say to answers.
func (k *Keeper) ask(ctx context.Context, plug plugin.Plugin, cmd plugin.Command, open []plugin.Question, answers plugin.Answers) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, asksAtOnce)
	got := make([]plugin.Answer, len(open))
	for i, q := range open {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			got[i] = k.answer(ctx, plug, cmd, q)
		})
	}
	wg.Wait()
	for i, q := range open {
		answers.Put(q, got[i])
	}
}

func (k *Keeper) answer(ctx context.Context, plug plugin.Plugin, cmd plugin.Command, q plugin.Question) plugin.Answer {
	switch {
	case q.Place:
		node, err := k.Nodes.Place(ctx, q)
		return plugin.Answer{Node: node, Err: err}
	case q.Spent:
		last, err := k.Store.Spent(ctx, q.Handle)
		return plugin.Answer{Spent: last, Err: err}
	case q.Rooms:
		entries, err := k.Store.Rooms(ctx, plug.Name())
		return plugin.Answer{Rooms: entries, Err: err}
	case q.Count:
		n, err := k.Store.CountRooms(ctx, plug.Name())
		return plugin.Answer{Count: n, Err: err}
	}
	response, err := k.Nodes.Call(ctx, q.Node, named(q, cmd))
	if err == nil {
		k.capture(ctx, q)
	}
	return plugin.Answer{Response: response, Err: err}
}

// named returns the request of q with the id under which the node remembers its answer, where it has one, and the handle's
// opaque id.
func named(q plugin.Question, cmd plugin.Command) proto.Message {
	command, opaqueID := cmd.GetId(), ""
	if q.Handle == cmd.Handle.ID { // as for all that make a peer
		opaqueID = cmd.Handle.OpaqueID
	}
	request := proto.Clone(q.Request)
	switch r := request.(type) {
	case *mediav1.AcceptOfferRequest:
		r.CommandId, r.OpaqueId = q.ID(command), opaqueID
	case *mediav1.MakeOfferRequest:
		r.CommandId, r.OpaqueId = q.ID(command), opaqueID
	case *mediav1.AcceptRemoteRequest:
		r.CommandId = q.ID(command)
	case *mediav1.AcceptAnswerRequest:
		r.CommandId = q.ID(command)
	case *mediav1.PassOfferRequest:
		r.CommandId = q.ID(command)
	case *mediav1.PassAnswerRequest:
		r.CommandId = q.ID(command)
	}
	return request
}

// beyond returns the handles in questions that are not held.
func beyond(held map[plugin.HandleID]bool, open []plugin.Question) map[plugin.HandleID]bool {
	more := map[plugin.HandleID]bool{}
	for _, q := range open {
		if q.Request == nil {
			continue
		}
		for _, h := range []plugin.HandleID{q.Handle, q.Other} {
			if h != (plugin.HandleID{}) && !held[h] {
				more[h] = true
			}
		}
	}
	return more
}
