package media

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// addresses are those that endpoints are told: what is set, and what a STUN server tells.
func (c Config) addresses(ctx context.Context) ([]netip.Addr, error) {
	if len(c.AdvertiseSTUN) == 0 {
		return c.Advertise, nil
	}
	mapped, err := transport.Mapped(ctx, c.AdvertiseSTUN)
	if err != nil {
		return nil, fmt.Errorf("advertise-stun: %w", err)
	}
	return append(slices.Clone(c.Advertise), mapped), nil
}
