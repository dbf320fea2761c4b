package ctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

type drainCommand struct {
	Node     string        `arg:"" help:"Its name or id."`
	Deadline time.Duration `help:"How long its calls are moved; those that are still there then stay. From 1s to 10m." default:"60s"`
	NoWait   bool          `help:"Begin it, and do not wait for its end."`
	Every    time.Duration `help:"How often to look how far it is." default:"1s"`
}

// longestDeadline is the API's: it takes none longer.
const longestDeadline = 10 * time.Minute

// Run is of kong.
func (c *drainCommand) Run(con *console) error {
	if c.Deadline < time.Second || c.Deadline > longestDeadline {
		return misused("--deadline %s is not from 1s to %s", c.Deadline, longestDeadline)
	}
	if c.Every < 100*time.Millisecond {
		return misused("--every %s must be 100ms or more", c.Every)
	}
	var begun struct {
		ID    string `json:"id"`
		Node  string `json:"node"`
		Peers int    `json:"peers"`
	}
	answer, err := con.api.ask(con.ctx, "drain_node", members{"node": c.Node, "deadline": int64(c.Deadline / time.Second)})
	if err == nil {
		err = decode(answer, &begun, "drain_node")
	}
	if errors.Is(err, errInterrupted) {
		fmt.Fprintf(con.err, "%s may be being drained already; to call it off: cardea-ctl undrain %s\n", c.Node, c.Node)
	}
	if err != nil {
		return err
	}
	if err := con.say(answer, "%s gets no more work; %d PeerConnections are to move, for at most %s", begun.Node, begun.Peers, c.Deadline); err != nil {
		return err
	}
	if c.NoWait {
		return nil
	}
	err = c.follow(con, begun.ID)
	if errors.Is(err, errInterrupted) {
		fmt.Fprintf(con.err, "%s goes on being drained; to call it off: cardea-ctl undrain %s\n", begun.Node, begun.Node)
	}
	return err
}

// follow tells how far it is until it is over. A cluster that does not answer for a while drains all the same.
func (c *drainCommand) follow(con *console, id string) error {
	last := -1
	for gaveUp := time.Now().Add(c.Deadline + con.api.client.Timeout); ; {
		var got struct{ Nodes []node }
		raw, err := con.api.ask(con.ctx, "list_nodes", nil)
		if err == nil {
			err = decode(raw, &got, "list_nodes")
		}
		var away unreachableError
		switch {
		case errors.As(err, &away) && time.Now().Before(gaveUp):
			fmt.Fprintf(con.err, "cardea-ctl: %v\n", err)
		case err != nil:
			return err
		default:
			over, err := c.progress(con, find(got.Nodes, id), &last)
			if over || err != nil {
				return err
			}
		}
		select {
		case <-con.ctx.Done():
			return errInterrupted
		case <-time.After(c.Every):
		}
	}
}

// progress tells what has changed, and whether it is over.
func (c *drainCommand) progress(con *console, n *node, last *int) (bool, error) {
	switch {
	case n == nil:
		return true, con.say(told("ended", 0), "%s has ended", c.Node)
	case n.Drain == nil:
		return true, fmt.Errorf("the drain of %s was called off by somebody", n.Name)
	case n.Drain.Over && n.Drain.Left == 0:
		return true, con.say(told("drained", 0), "%s is drained", n.Name)
	case n.Drain.Over:
		return true, fmt.Errorf("the deadline is over and %d PeerConnections stay on %s: they cannot be moved, or their endpoints did not follow",
			n.Drain.Left, n.Name)
	case n.Drain.Left == *last:
		return false, nil
	}
	*last = n.Drain.Left
	left := max(0, time.Until(time.UnixMicro(n.Drain.Deadline)).Round(time.Second))
	return false, con.say(told("draining", n.Drain.Left), "%d of %d left, %s to go", n.Drain.Left, n.Drain.Peers, left)
}

// told is a line of progress for programs.
func told(state string, left int) json.RawMessage {
	return fmt.Appendf(nil, `{"state":%q,"left":%d}`, state, left)
}

func find(nodes []node, id string) *node {
	for i := range nodes {
		if nodes[i].ID == id {
			return &nodes[i]
		}
	}
	return nil
}
