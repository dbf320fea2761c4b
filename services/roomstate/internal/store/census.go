package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// censusBatch is how many sessions are looked at in one round trip.
const censusBatch = 1000

// Census counts sessions and their handles.
func (s *Store) Census(ctx context.Context) (sessions, handles int, err error) {
	ids, err := s.Sessions(ctx)
	if err != nil {
		return 0, 0, err
	}
	for batch := range slices.Chunk(ids, censusBatch) {
		counts := make([]*redis.StringCmd, len(batch))
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, id := range batch {
				counts[i] = p.HGet(ctx, fmt.Sprintf("%ssession:%d", prefix, id), "handles")
			}
			return nil
		})
		if err != nil && !isNil(err) {
			return 0, 0, broken(err)
		}
		for _, count := range counts {
			if n, err := count.Int(); err == nil { // else the session has ended meanwhile
				sessions++
				handles += n
			}
		}
	}
	return sessions, handles, nil
}
