package endpoint

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// ID is of a room or a feed: a number or a string, as the server likes it.
type ID = json.RawMessage

// Rooms makes rooms and takes them away.
type Rooms struct {
	*session
	adminKey string
}

// OpenRooms connects. adminKey is what the server wants of those who create rooms, "" if nothing.
func (s *Server) OpenRooms(ctx context.Context, adminKey string) (*Rooms, error) {
	e, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return &Rooms{e, adminKey}, nil
}

// Create makes a private room without a bitrate limit, for a number of publishers.
func (r *Rooms) Create(ctx context.Context, publishers int) (ID, error) {
	body := janus.Object{
		"request": "create", "description": "loadtest", "is_private": true,
		"publishers": publishers, "bitrate": 0, "audiocodec": "opus", "videocodec": "vp8",
	}
	if r.adminKey != "" {
		body["admin_key"] = r.adminKey
	}
	var created struct{ Room ID }
	if _, err := r.request(ctx, body, nil, &created); err != nil {
		return nil, err
	}
	return created.Room, nil
}

// Destroy takes a room away, with all who are in it.
func (r *Rooms) Destroy(ctx context.Context, room ID) error {
	var destroyed struct{ Videoroom string }
	if _, err := r.request(ctx, janus.Object{"request": "destroy", "room": room}, nil, &destroyed); err != nil {
		return fmt.Errorf("room %s: %w", room, err)
	}
	return nil
}

// Close ends the session; rooms stay.
func (r *Rooms) Close() { r.close() }
