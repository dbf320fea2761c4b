package rpc

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// StartCapture is of mediav1.MediaServer, as is StopCapture.
func (s *Server) StartCapture(ctx context.Context, r *mediav1.StartCaptureRequest) (*mediav1.StartCaptureResponse, error) {
	start := s.node.StartCapture
	if r.GetCheck() {
		start = s.node.CheckCapture
	}
	file, err := start(ctx, node.CaptureRequest{
		Handle: node.Handle{Session: r.GetSessionId(), ID: r.GetHandleId()},
		Folder: r.GetFolder(), Filename: r.GetFilename(), Truncate: r.GetTruncate(), Text: r.GetText(),
	})
	if err != nil {
		return nil, s.refuse(ctx, "StartCapture", &mediav1.PeerID{SessionId: r.GetSessionId(), HandleId: r.GetHandleId()}, err)
	}
	return &mediav1.StartCaptureResponse{File: file}, nil
}

func (s *Server) StopCapture(ctx context.Context, r *mediav1.StopCaptureRequest) (*mediav1.StopCaptureResponse, error) {
	if err := s.node.StopCapture(ctx, node.Handle{Session: r.GetSessionId(), ID: r.GetHandleId()}); err != nil {
		return nil, s.refuse(ctx, "StopCapture", &mediav1.PeerID{SessionId: r.GetSessionId(), HandleId: r.GetHandleId()}, err)
	}
	return &mediav1.StopCaptureResponse{}, nil
}
