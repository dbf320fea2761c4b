package edge

import (
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

// asker is what requests are counted by: a session, or the socket of those that are of none. Requests over HTTP that are of none
// are counted by their address alone.
type asker struct {
	session uint64
	socket  string
}

// turn takes a place for a request: done gives it back. It is nil if the request has been refused.
func (c *Client) turn(req *janus.Request) (done func()) {
	by := asker{session: req.SessionID}
	if by.session == 0 {
		if c.polled {
			return func() {}
		}
		by.socket = c.socket.ID()
	}
	done, met := c.edge.turns.Enter(by, time.Now())
	reason := limit.SessionRate
	switch met {
	case limit.None:
		return done
	case limit.Open:
		reason = limit.SessionPending
	}
	c.edge.opt.Refusals.Count(reason, "session", req.SessionID, "remote", c.socket.Remote())
	c.refuse(c.edge.ctx, req, janus.TooMany("requests"))
	return nil
}

// overTrickled returns what is too much of a handle's candidates. It belongs to the handle's lane.
func (c *Client) overTrickled(req *janus.Request, cmd *busv1.Command) *janus.Error {
	if len(cmd.GetTrickle().GetCandidates()) == 0 {
		return nil
	}
	bad := c.edge.opt.Holds.CheckHandleCandidates(cmd, c.edge.trickled.Of(laneKey{req.SessionID, req.HandleID}))
	if bad != nil {
		c.edge.opt.Refusals.Count(limit.HandleCandidates, "session", req.SessionID, "handle", req.HandleID, "remote", c.socket.Remote())
	}
	return bad
}

// noteTrickled counts the candidates of a command that was taken: those of handles that there are.
func (c *Client) noteTrickled(req *janus.Request, cmd *busv1.Command) {
	key := laneKey{req.SessionID, req.HandleID}
	switch n := len(cmd.GetTrickle().GetCandidates()); {
	case n > 0:
		c.edge.trickled.Add(key, n)
	case cmd.GetMessage().GetJsep() != nil, cmd.GetDetach() != nil:
		c.edge.trickled.Forget(key)
	}
}

// oversized returns what is too much in a command, if its request is sound otherwise.
func (c *Client) oversized(req *janus.Request, cmd *busv1.Command) *janus.Error {
	if bad := c.edge.opt.Holds.CheckSDP(cmd); bad != nil {
		c.edge.opt.Refusals.Count(limit.SDP, "session", req.SessionID, "handle", req.HandleID, "remote", c.socket.Remote())
		return bad
	}
	if bad := c.edge.opt.Holds.CheckCandidates(cmd); bad != nil {
		c.edge.opt.Refusals.Count(limit.Candidates, "session", req.SessionID, "handle", req.HandleID, "remote", c.socket.Remote())
		return bad
	}
	return nil
}
