package bus

import (
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
)

// Shards hears the commands of the rooms that this replica owns.
type Shards struct {
	Server *Server

	mu   sync.Mutex
	subs map[int]*nats.Subscription
}

// Take begins to hear a shard's commands.
func (s *Shards) Take(shard int) error {
	sub, err := s.Server.subscribe(bus.RoomCommands(shard), "", s.Server.hearRoom)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = map[int]*nats.Subscription{}
	}
	s.subs[shard] = sub
	return nil
}

// Drop ends that. What was heard is still carried out, or refused by the store if another owner is ahead.
func (s *Shards) Drop(shard int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subs[shard]; sub != nil {
		_ = sub.Unsubscribe()
		delete(s.subs, shard)
	}
}
