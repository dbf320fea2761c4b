package store

import (
	"context"
	"time"
)

// Announce says that a replica is alive for a time, or is leaving. It returns all that are alive, and whether this one
// has been ever since it last said so: only then does it hold what it held.
func (s *Store) Announce(ctx context.Context, replica string, alive time.Duration, leaving bool) (replicas []string, continued bool, err error) {
	got, err := s.run(ctx, announceScript, replica, alive.Milliseconds(), flag(leaving))
	if err != nil {
		return nil, false, err
	}
	entries, _ := got[1].([]any)
	replicas = make([]string, len(entries))
	for i := range entries {
		replicas[i] = text(entries[i])
	}
	return replicas, number(got[0]) == 1, nil
}

// Lease takes a replica's hold on the wanted shards, of all there are, for as long as it is alive, and gives up its
// others. It returns those that it now holds: not those of another that is alive.
func (s *Store) Lease(ctx context.Context, replica string, shards int, wanted []int) ([]int, error) {
	args := []any{replica, shards, len(wanted)}
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
