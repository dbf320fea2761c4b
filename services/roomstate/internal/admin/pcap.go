package admin

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// startPcap has the node that has the handle's peer write its decrypted packets to a file there, or that which will have it.
func (s *Service) startPcap(ctx context.Context, r *request) (members, error) {
	return s.startCapture(ctx, r, false)
}

// startText2pcap is startPcap for a file that text2pcap reads.
func (s *Service) startText2pcap(ctx context.Context, r *request) (members, error) {
	return s.startCapture(ctx, r, true)
}

func (s *Service) startCapture(ctx context.Context, r *request, text bool) (members, error) {
	var p struct {
		Folder   string `json:"folder"`
		Filename string `json:"filename"`
		Truncate uint32 `json:"truncate"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	session, err := s.Store.Session(ctx, r.session)
	if err != nil {
		return nil, err
	}
	if _, ok := session.Handles[r.handle]; !ok {
		return nil, store.ErrNoHandle
	}
	if session.Captures[r.handle] != nil {
		return nil, alreadyStarted(text)
	}
	ask := &mediav1.StartCaptureRequest{
		SessionId: r.session, HandleId: r.handle, Folder: p.Folder, Filename: p.Filename, Truncate: p.Truncate, Text: text,
	}
	if _, err = s.Nodes.Ask(ctx, ask); fault.Of(err) == fault.NoSuchPeer {
		err = s.arm(ctx, ask)
	}
	return members{}, err
}

// arm has the capture begin with the handle's PeerConnection. Whether there may be such a file, a node says at once.
func (s *Service) arm(ctx context.Context, ask *mediav1.StartCaptureRequest) error {
	ask.Check = true
	response, err := s.Nodes.Ask(ctx, ask)
	if fault.Of(err) == fault.NoSuchPeer {
		return fault.Newf(fault.BadRequest, "No media node to capture")
	}
	if err != nil {
		return err
	}
	checked, _ := response.(*mediav1.StartCaptureResponse)
	ask.Check, ask.Filename = false, filepath.Base(checked.GetFile())
	if err := s.Store.ArmCapture(ctx, ask); errors.Is(err, store.ErrTaken) {
		return alreadyStarted(ask.GetText())
	} else if err != nil {
		return err
	}
	// A PeerConnection that was made meanwhile may not have met what is armed.
	if _, err := s.Nodes.Ask(ctx, ask); err == nil {
		_, err = s.Store.TakeCapture(ctx, plugin.HandleID{Session: ask.GetSessionId(), Handle: ask.GetHandleId()})
		return err
	}
	return nil
}

func alreadyStarted(text bool) error {
	return fault.Newf(fault.BadRequest, "%s already started", captureKind(text))
}

// captureKind is Janus's name for how packets are written.
func captureKind(text bool) string {
	if text {
		return "text2pcap"
	}
	return "pcap"
}

func (s *Service) stopPcap(ctx context.Context, r *request) (members, error) {
	if _, err := s.exists(ctx, r); err != nil {
		return nil, err
	}
	if armed, err := s.Store.TakeCapture(ctx, plugin.HandleID{Session: r.session, Handle: r.handle}); err != nil || armed != nil {
		return members{}, err
	}
	_, err := s.Nodes.Ask(ctx, &mediav1.StopCaptureRequest{SessionId: r.session, HandleId: r.handle})
	if fault.Of(err) == fault.NoSuchPeer {
		return nil, fault.Newf(fault.BadRequest, "Capture not started")
	}
	return members{}, err
}
