package media

import "log/slog"

// Check says what Run would refuse at its start, without opening anything but files.
func (c Config) Check() error {
	if _, err := c.withDefaults(); err != nil {
		return err
	}
	if _, _, err := c.GRPC.Open(slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	for _, check := range []func() error{c.NATS.Check, c.Events.Check, c.Traces.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
