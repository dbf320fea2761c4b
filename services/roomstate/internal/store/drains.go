package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

const keyDrains = prefix + "drains"

// Drain is what is known of a node whose peers are being moved to others.
type Drain struct {
	Started  time.Time `json:"started"`
	Deadline time.Time `json:"deadline"` // no more are moved after this
	Peers    int       `json:"peers"`    // there were at the start
}

// SetDrain has a node drained, by any replica.
func (s *Store) SetDrain(ctx context.Context, node string, d Drain) error {
	b, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode drain: %w", err)
	}
	return broken(s.rdb.HSet(ctx, keyDrains, node, b).Err())
}

// EndDrain forgets that.
func (s *Store) EndDrain(ctx context.Context, node string) error {
	return broken(s.rdb.HDel(ctx, keyDrains, node).Err())
}

// Drains returns the nodes that are drained, or have been and are not given work again, by id.
func (s *Store) Drains(ctx context.Context) (map[string]Drain, error) {
	got, err := s.rdb.HGetAll(ctx, keyDrains).Result()
	if err != nil {
		return nil, broken(err)
	}
	all := map[string]Drain{}
	for node, text := range got {
		var d Drain
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return nil, fmt.Errorf("drain of %s: %w", node, err)
		}
		all[node] = d
	}
	return all, nil
}

// HoldDrain makes a replica the one that moves a node's peers, for a while, unless another is. What two do for a moment is done
// twice, which is no harm.
func (s *Store) HoldDrain(ctx context.Context, node, replica string, while time.Duration) (bool, error) {
	key := prefix + "drain:" + node
	first, err := s.rdb.SetNX(ctx, key, replica, while).Result()
	if err != nil || first {
		return first, broken(err)
	}
	holder, err := s.rdb.Get(ctx, key).Result()
	if isNil(err) || err == nil && holder != replica {
		return false, nil // the next time, if it has just ended
	}
	if err != nil {
		return false, broken(err)
	}
	return true, broken(s.rdb.PExpire(ctx, key, while).Err())
}

// CountPeersOn is how many peers a node has, or had.
func (s *Store) CountPeersOn(ctx context.Context, node string) (int, error) {
	n, err := s.rdb.SCard(ctx, prefix+"node:"+node).Result()
	return int(n), broken(err)
}
