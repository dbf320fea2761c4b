package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// SessionRecord is what is known of a session.
type SessionRecord struct {
	Created, LastActivity time.Time
	Timeout               *time.Duration // nil: it has none of its own
	Polled                bool           // its events go to long polls
	Handles               map[uint64]plugin.Handle
	Captures              map[uint64]*mediav1.StartCaptureRequest // by handle; see ArmCapture
}

// Session returns what is known of a session, or ErrNoSession.
func (s *Store) Session(ctx context.Context, session uint64) (SessionRecord, error) {
	got, err := s.rdb.HGetAll(ctx, fmt.Sprintf("%ssession:%d", prefix, session)).Result()
	if err != nil {
		return SessionRecord{}, broken(err)
	}
	if len(got) == 0 {
		return SessionRecord{}, ErrNoSession
	}
	out := SessionRecord{Polled: got["socket_id"] == bus.PolledSocket, Handles: map[uint64]plugin.Handle{}, Captures: map[uint64]*mediav1.StartCaptureRequest{}}
	for name, at := range map[string]*time.Time{"created": &out.Created, "last": &out.LastActivity} {
		if n, err := strconv.ParseInt(got[name], 10, 64); err == nil { // sessions of older versions lack some
			*at = time.UnixMilli(n)
		}
	}
	if n, err := strconv.ParseInt(got["timeout"], 10, 64); err == nil {
		out.Timeout = new(time.Duration(n) * time.Millisecond)
	}
	for name, text := range got {
		if id, ok := strings.CutPrefix(name, capturePrefix); ok {
			r, err := readCapture(text)
			if err != nil {
				return out, fmt.Errorf("handle %s: %w", id, err)
			}
			out.Captures[r.GetHandleId()] = r
			continue
		}
		id, ok := strings.CutPrefix(name, "h:")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return out, fmt.Errorf("handle id %q: %w", id, err)
		}
		var h plugin.Handle
		if err := json.Unmarshal([]byte(text), &h); err != nil {
			return out, fmt.Errorf("record of handle %d: %w", n, err)
		}
		h.ID = plugin.HandleID{Session: session, Handle: n}
		out.Handles[n] = h
	}
	return out, nil
}
