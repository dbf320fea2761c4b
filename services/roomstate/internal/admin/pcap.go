package admin

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// startPcap has the node that has the handle's peer write its decrypted packets to a file there.
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
	return s.pcap(ctx, r, "No PeerConnection to capture", &mediav1.StartCaptureRequest{
		SessionId: r.session, HandleId: r.handle, Folder: p.Folder, Filename: p.Filename, Truncate: p.Truncate, Text: text,
	})
}

func (s *Service) stopPcap(ctx context.Context, r *request) (members, error) {
	return s.pcap(ctx, r, "Capture not started", &mediav1.StopCaptureRequest{SessionId: r.session, HandleId: r.handle})
}

// pcap asks the nodes; without is what is said of a handle without a PeerConnection.
func (s *Service) pcap(ctx context.Context, r *request, without string, ask proto.Message) (members, error) {
	if _, err := s.exists(ctx, r); err != nil {
		return nil, err
	}
	_, err := s.Nodes.Ask(ctx, ask)
	if fault.Of(err) == fault.NoSuchPeer {
		return nil, fault.Newf(fault.BadRequest, "%s", without)
	}
	return members{}, err
}
