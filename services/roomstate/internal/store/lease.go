package store

import (
	"context"
	"time"
)

// Announce says that a replica is alive for a time, or is leaving, and returns all that are alive.
func (s *Store) Announce(ctx context.Context, replica string, alive time.Duration, leaving bool) ([]string, error) {
	got, err := s.run(ctx, announceScript, replica, alive.Milliseconds(), flag(leaving))
	if err != nil {
		return nil, err
	}
	entries, _ := got[0].([]any)
	replicas := make([]string, len(entries))
	for i := range entries {
		replicas[i] = text(entries[i])
	}
	return replicas, nil
}

// Lease takes or renews a replica's hold on the wanted shards, of all there are, and gives up its others.
// It returns those that it now holds.
func (s *Store) Lease(ctx context.Context, replica string, hold time.Duration, shards int, wanted []int) ([]int, error) {
	args := []any{replica, hold.Milliseconds(), shards, len(wanted)}
	for _, n := range wanted {
		args = append(args, n)
	}
	got, err := s.run(ctx, leaseScript, args...)
	if err != nil {
		return nil, err
	}
	entries, _ := got[0].([]any)
	held := make([]int, len(entries))
	for i := range entries {
		held[i] = int(number(entries[i]))
	}
	return held, nil
}
