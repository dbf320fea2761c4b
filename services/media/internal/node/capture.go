package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/capture"
)

// CaptureRequest says which packets are to be written where; see capture.Folder.Create.
type CaptureRequest struct {
	Handle           Handle
	Folder, Filename string
	Truncate         uint32
	Text             bool // for text2pcap
}

// StartCapture writes the decrypted RTP and RTCP of a handle's peer, both ways, to a file, whose path it returns. It goes on
// until StopCapture or the peer's end.
func (n *Node) StartCapture(ctx context.Context, r CaptureRequest) (string, error) {
	sh := n.shard(r.Handle)
	kind, create := "pcap", n.cfg.Captures.Create
	if r.Text {
		kind = "text2pcap"
		create = func(folder, filename string, truncate uint32, now time.Time) (*capture.Capture, string, error) {
			of := fmt.Sprintf("[session=%d][handle=%d]", r.Handle.Session, r.Handle.ID)
			return n.cfg.Captures.CreateText(of, folder, filename, truncate, now)
		}
	}
	free := func() (*peer, error) {
		switch p := sh.peers[r.Handle]; {
		case p == nil:
			return nil, fault.New(fault.NoSuchPeer, nil)
		case p.capture != nil:
			return nil, fault.Newf(fault.BadRequest, "%s already started", kind)
		default:
			return p, nil
		}
	}
	if err := sh.run(ctx, func(time.Duration) error { _, err := free(); return err }); err != nil {
		return "", err
	}
	c, path, err := create(r.Folder, r.Filename, r.Truncate, time.Now())
	if err != nil {
		return "", n.noCapture(r.Handle, err)
	}
	n.tasks.Go(func() {
		err := c.Run()
		n.log.Info("capture ended", "session", r.Handle.Session, "handle", r.Handle.ID, "missed", c.Missed(), "err", err)
	})
	_, err = do(context.WithoutCancel(ctx), sh, func(time.Duration) (struct{}, error) {
		p, err := free()
		if err == nil {
			p.capture, p.captured = c, capturedTo{path, r.Text}
		}
		return struct{}{}, err
	})
	if err != nil {
		c.Close()
		return "", err
	}
	n.log.Info("capture started", "session", r.Handle.Session, "handle", r.Handle.ID, "file", path)
	return path, nil
}

// CheckCapture returns the path that StartCapture would, or why there can be no such file. It looks for no peer, and makes nothing.
func (n *Node) CheckCapture(_ context.Context, r CaptureRequest) (string, error) {
	path, err := n.cfg.Captures.Check(r.Folder, r.Filename, r.Text, time.Now())
	if err != nil {
		return "", n.noCapture(r.Handle, err)
	}
	return path, nil
}

// noCapture makes err, which is of capture.Folder, what administrators are told.
func (n *Node) noCapture(h Handle, err error) error {
	switch {
	case errors.Is(err, capture.ErrOff):
		return fault.Newf(fault.BadRequest, "Captures are off: the node has no folder for them")
	case errors.Is(err, capture.ErrOutside), errors.Is(err, capture.ErrExists):
		return fault.Newf(fault.BadRequest, "Error starting recording of the capture (%v)", err)
	}
	n.log.Warn("capture not started", "session", h.Session, "handle", h.ID, "err", err)
	return fault.Newf(fault.BadRequest, "Error starting recording of the capture")
}

// StopCapture ends what StartCapture began.
func (n *Node) StopCapture(ctx context.Context, h Handle) error {
	sh := n.shard(h)
	return sh.run(ctx, func(time.Duration) error {
		p := sh.peers[h]
		if p == nil {
			return fault.New(fault.NoSuchPeer, nil)
		}
		if p.capture == nil {
			return fault.Newf(fault.BadRequest, "Capture not started")
		}
		p.endCapture()
		return nil
	})
}

// capturedTo is where a peer's capture goes.
type capturedTo struct {
	file string // empty for none
	text bool
}

func (p *peer) endCapture() {
	if p.capture != nil {
		p.capture.Close()
		p.capture, p.captured = nil, capturedTo{}
	}
}
