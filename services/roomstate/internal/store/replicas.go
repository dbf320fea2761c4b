package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicaTime is how long a replica of Redis may take to have what must not be lost when Redis fails over.
const replicaTime = 300 * time.Millisecond

// runSafely runs a script as run does, and has a replica of Redis take what it wrote, where there are replicas: ErrAway if none
// says that it has. Then it may have been written all the same, and is to be asked for again.
func (s *Store) runSafely(ctx context.Context, script *redis.Script, args ...any) ([]any, error) {
	conn, err := s.conn(ctx) // one: WAIT is about what its own connection has written
	if err != nil {
		return nil, broken(err)
	}
	defer func() { _ = conn.Close() }()
	got, err := runOn(ctx, conn, script, args...)
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok && errors.Is(err, ErrAway) {
		cluster.ReloadState(ctx) // the slot may have another master, which a single connection does not follow
	}
	if err != nil {
		return nil, err
	}
	if there, err := replicas(ctx, conn); err != nil || there == 0 {
		return got, err
	}
	have, err := conn.Do(ctx, "WAIT", 1, replicaTime.Milliseconds()).Int()
	if err != nil {
		return nil, broken(err)
	}
	if have == 0 {
		return nil, fmt.Errorf("%w: no replica of it has a note that must not be lost within %v", ErrAway, replicaTime)
	}
	return got, nil
}

// conn returns a connection to the master that has our keys.
func (s *Store) conn(ctx context.Context) (*redis.Conn, error) {
	switch rdb := s.rdb.(type) {
	case *redis.ClusterClient:
		master, err := rdb.MasterForKey(ctx, prefix)
		if err != nil {
			return nil, err
		}
		return master.Conn(), nil
	case *redis.Client:
		return rdb.Conn(), nil
	default:
		return nil, fmt.Errorf("a client of another kind: %T", rdb)
	}
}

// replicas returns how many there are.
func replicas(ctx context.Context, conn *redis.Conn) (int, error) {
	info, err := conn.Info(ctx, "replication").Result()
	if err != nil {
		if strings.HasSuffix(err.Error(), "is not supported") { // of the store within standalone
			return 0, nil
		}
		return 0, broken(err)
	}
	for line := range strings.Lines(info) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "connected_slaves:"); ok {
			return strconv.Atoi(n)
		}
	}
	return 0, nil
}
