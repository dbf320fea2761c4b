package edge

import (
	"context"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// Ask carries out a request that came over HTTP and returns its answer, nil if ctx ended first. An asynchronous message is
// acknowledged when it has been carried out: the next request about its handle may be sent to another edge, and is to
// come after it.
//
// The ids may be in the path instead of the body: 0 for none there.
func (e *Edge) Ask(ctx context.Context, remote string, body []byte, session, handle uint64) []byte {
	socket := &askSocket{remote: remote, answer: make(chan []byte, 1)}
	c := e.newClient(socket)
	c.polled, c.request = true, bus.NewCommandID()
	e.noteRequest(c.request, remote, false)
	if req, bad := janus.FromPath(body, session, handle); bad != nil {
		c.refuse(e.ctx, &req, bad)
	} else {
		c.dispatch(&req)
	}
	select {
	case answer := <-socket.answer:
		return answer
	case <-ctx.Done():
	}
	// The caller's place stays taken as long as there is work, or who leaves at once could queue as much as he likes.
	select {
	case <-socket.answer:
	case <-time.After(e.abandonedTime()):
	}
	return nil
}

// abandonedTime is after when a request that nobody waits for has ended, whatever came of it.
func (e *Edge) abandonedTime() time.Duration { return 2 * e.opt.AnswerTimeout }

// askSocket takes the answer to one request.
type askSocket struct {
	remote string
	answer chan []byte
}

// ID is the one that sessions over HTTP have in common.
func (s *askSocket) ID() string     { return bus.PolledSocket }
func (s *askSocket) Remote() string { return s.remote }
func (s *askSocket) Drained() bool  { return true }

func (s *askSocket) Send(message []byte) {
	select {
	case s.answer <- message:
	default: // one request, one answer
	}
}

// claimForPolls makes long polls what a session's events are given to. What its owner was not given is in the log.
func (c *Client) claimForPolls(ctx context.Context, req *janus.Request, cmd *busv1.Command) {
	delivered, here := c.edge.HearRelease(req.SessionID)
	if !here {
		delivered = c.edge.bus.Release(ctx, req.SessionID)
	}
	if _, err := c.doAfter(ctx, req, cmd, delivered); err != nil {
		c.failed(ctx, req, err)
		return
	}
	c.socket.Send(req.Success())
}
