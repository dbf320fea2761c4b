package admin

import (
	"context"
	"errors"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// keepNode notes which other node keeps the values of a node's peers. It is that node's own request. WrongState if it counts as
// dead. The answer is what is noted now, which may be a later change.
func (s *Service) keepNode(ctx context.Context, r *request) (members, error) {
	var p struct {
		Node   string `json:"node"`   // ids of processes, as the next
		Keeper string `json:"keeper"` // empty for none
		Change uint64 `json:"change"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	if p.Node == "" || p.Change == 0 {
		return nil, fault.Newf(fault.BadRequest, "Invalid parameters")
	}
	noted, err := s.Store.KeepNode(ctx, p.Node, store.Keeper{Node: p.Keeper, Change: p.Change})
	if errors.Is(err, store.ErrFenced) {
		return nil, fault.New(fault.WrongState, err)
	}
	return members{"keeper": noted.Node, "change": noted.Change}, err
}
