package store

import (
	"context"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// capturePrefix begins the fields of a session that say what is to be captured of a handle once it has a PeerConnection.
const capturePrefix = "c:"

// ArmCapture keeps what a node is to be asked once it has a peer of the handle r names, as long as there is that handle.
// ErrNoSession, ErrNoHandle, or ErrTaken if something is kept already.
func (s *Store) ArmCapture(ctx context.Context, r *mediav1.StartCaptureRequest) error {
	b, err := proto.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode capture: %w", err)
	}
	_, err = s.run(ctx, armScript, r.GetSessionId(), r.GetHandleId(), b)
	return err
}

// TakeCapture returns what ArmCapture kept, and keeps it no more: of all who take it at once, one has it. nil for nothing.
func (s *Store) TakeCapture(ctx context.Context, h plugin.HandleID) (*mediav1.StartCaptureRequest, error) {
	key, field := fmt.Sprintf("%ssession:%d", prefix, h.Session), capturePrefix+strconv.FormatUint(h.Handle, 10)
	text, err := s.rdb.HGet(ctx, key, field).Result()
	if isNil(err) {
		return nil, nil
	}
	if err != nil {
		return nil, broken(err)
	}
	if taken, err := s.rdb.HDel(ctx, key, field).Result(); err != nil || taken == 0 {
		return nil, broken(err)
	}
	return readCapture(text)
}

func readCapture(text string) (*mediav1.StartCaptureRequest, error) {
	r := &mediav1.StartCaptureRequest{}
	if err := proto.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("record of a capture: %w", err)
	}
	return r, nil
}
