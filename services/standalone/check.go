package main

import "log/slog"

// check says what would be refused at the start, without opening anything but files.
func (c config) check() error {
	if _, _, err := pageSettings(c, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if c.PageOnly {
		return nil
	}
	rs, md, sg, err := serviceConfigs(c, "nats://127.0.0.1", "redis://127.0.0.1") // stand for those inside
	if err != nil {
		return err
	}
	for _, service := range []interface{ Check() error }{rs, md, sg} {
		if err := service.Check(); err != nil {
			return err
		}
	}
	return nil
}
