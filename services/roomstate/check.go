package roomstate

import (
	"fmt"
	"log/slog"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// rules are what rooms go by, as settings and files have it.
type rules struct {
	video *videoroom.Plugin
	text  *textroom.Plugin
	allow *post.Allow
	rooms []staticRoom
}

func (c *Config) rules(log *slog.Logger) (r rules, err error) {
	admin, err := c.adminKey(log)
	if err != nil {
		return r, err
	}
	video, err := c.videoroom(admin, log)
	if err != nil {
		return r, err
	}
	r.video = videoroom.New(video)
	if r.allow, err = post.ParseAllow(c.TextPostAllow); err != nil {
		return r, fmt.Errorf("--%s: %w", post.Setting, err)
	}
	r.text = textroom.New(c.textroom(admin, r.allow))
	r.rooms, err = readRooms(c.RoomsFile, r.video, r.text)
	return r, err
}

// Check says what Run would refuse at its start, without opening anything but files.
func (c Config) Check() error {
	quiet := slog.New(slog.DiscardHandler)
	if _, err := c.rules(quiet); err != nil {
		return err
	}
	if _, _, err := c.GRPC.Open(quiet); err != nil {
		return err
	}
	for _, check := range []func() error{c.Redis.Check, c.NATS.Check, c.Events.Check, c.Traces.Check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
