package ctl

import (
	"encoding/json"
	"fmt"
	"io"
)

type nodesCommand struct{ watching }

// node is what list_nodes tells of one.
type node struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Address  string  `json:"address"`
	HeardMS  int64   `json:"heard_ms_ago"`
	Takes    bool    `json:"takes_work"`
	Silent   string  `json:"silent"` // why it does not answer roomstate; empty if it does
	Draining bool    `json:"draining"`
	Peers    uint64  `json:"peers"`
	MaxPeers uint64  `json:"max_peers"`
	Packets  uint64  `json:"packets_per_second"`
	MostPPS  uint64  `json:"capacity_packets"`
	Bits     uint64  `json:"bits_per_second"`
	MostBPS  uint64  `json:"capacity_bits"`
	CPU      float64 `json:"cpu"` // 0 to 1, of what the node may use
	Drain    *drain  `json:"drain"`
}

// drain is how far one is.
type drain struct {
	Peers    int   `json:"peers"` // when it began
	Left     int   `json:"left"`
	Deadline int64 `json:"deadline"` // µs since 1970
	Over     bool  `json:"over"`
}

func (n *node) state() string {
	switch {
	case n.Drain != nil && n.Drain.Over && n.Drain.Left == 0:
		return "drained"
	case n.Drain != nil && n.Drain.Over:
		return fmt.Sprintf("drained, %d stay", n.Drain.Left)
	case n.Drain != nil:
		return fmt.Sprintf("draining, %d of %d left", n.Drain.Left, n.Drain.Peers)
	case n.Draining:
		return "draining"
	case n.Silent != "":
		return "does not answer"
	case !n.Takes:
		return "takes no work"
	}
	return "ready"
}

// Run is of kong.
func (c *nodesCommand) Run(con *console) error {
	return c.show(con, func() (json.RawMessage, error) { return con.api.ask(con.ctx, "list_nodes", nil) }, nodesTable)
}

func nodesTable(out io.Writer, b json.RawMessage) error {
	var got struct{ Nodes []node }
	if err := decode(b, &got, "list_nodes"); err != nil {
		return err
	}
	t := newTable(out, "NODE", "STATE", "PEERS", "PACKETS/S", "MBIT/S", "CPU", "HEARD", "ADDRESS")
	for i := range got.Nodes {
		n := &got.Nodes[i]
		t.row(n.Name, n.state(), share(n.Peers, n.MaxPeers), share(n.Packets, n.MostPPS), megabits(n.Bits),
			fmt.Sprintf("%.0f%%", 100*n.CPU), fmt.Sprintf("%d ms ago", n.HeardMS), n.Address)
	}
	return t.flush()
}
