package store

import (
	"context"
	"errors"
	"time"
)

// ErrFenced means that a node counts as dead: its peers are others'.
var ErrFenced = errors.New("node is fenced")

// fencedFor is how long that is remembered: longer than a process may be stopped and still have any endpoint.
const fencedFor = 7 * 24 * time.Hour

// Keeper is who keeps the values of a node's peers.
type Keeper struct {
	Node   string // empty for none
	Change uint64 // how many times it has been another
}

// KeepNode notes who keeps the values of a node's peers, and returns what is noted then, or ErrFenced. A change that comes after a
// later one changes nothing, nor does one that comes again. The note outlives the master of Redis, if that has a replica.
func (s *Store) KeepNode(ctx context.Context, node string, k Keeper) (Keeper, error) {
	return keeperOf(s.runSafely(ctx, keepScript, node, k.Change, k.Node))
}

// FenceNode fences a node for good, and returns who keeps the values of its peers. If nobody does, the zero value is returned and
// the node is not fenced: nothing of it can be given to anybody. The fence outlives the master of Redis, if that has a replica.
func (s *Store) FenceNode(ctx context.Context, node string) (Keeper, error) {
	return keeperOf(s.runSafely(ctx, fenceScript, node, fencedFor.Milliseconds()))
}

func keeperOf(got []any, err error) (Keeper, error) {
	if err != nil {
		return Keeper{}, err
	}
	return Keeper{text(got[0]), uint64(number(got[1]))}, nil
}
