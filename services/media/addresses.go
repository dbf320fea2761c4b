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
	mapped, err := c.mapped(ctx)
	if err != nil || !mapped.IsValid() {
		return c.Advertise, err
	}
	return append(slices.Clone(c.Advertise), mapped), nil
}

// mapped is by which address a STUN server sees this machine, if one is to be asked.
func (c Config) mapped(ctx context.Context) (netip.Addr, error) {
	if len(c.AdvertiseSTUN) == 0 {
		return netip.Addr{}, nil
	}
	mapped, err := transport.Mapped(ctx, c.AdvertiseSTUN)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("advertise-stun: %w", err)
	}
	return mapped, nil
}
