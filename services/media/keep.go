package media

import (
	"context"
	"errors"

	"github.com/cardea-rtc/cardea/services/media/internal/keeping"
)

// keep has another node keep the values of the peers that are here, until ctx ends. A node that counts as dead has none any
// more, and ends: who starts it again makes it another process.
func (s *service) keep(ctx context.Context) error {
	if !s.cfg.KeepPeers {
		return nil
	}
	err := s.holder.Run(ctx)
	if errors.Is(err, keeping.ErrFenced) {
		s.log.Error("others have the calls of this node", "err", err)
		s.node.Abandon(ctx)
		return err
	}
	s.holder.Leave()
	return err
}
