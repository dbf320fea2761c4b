package signaling

import (
	"log/slog"

	"github.com/cardea-rtc/cardea/proto/reread"
)

// Check says what Run would refuse at its start, without opening anything but files.
func (c Config) Check() error {
	quiet := slog.New(slog.DiscardHandler)
	if _, err := readAuth(c, quiet); err != nil {
		return err
	}
	if _, err := reread.OpenSecret("admin-secret-file", c.AdminSecretFile, quiet); err != nil {
		return err
	}
	if _, err := secureWeb(c, quiet); err != nil {
		return err
	}
	for _, check := range []func() error{c.NATS.Check, c.Events.Check, c.Traces.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
