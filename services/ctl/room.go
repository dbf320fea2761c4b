package ctl

import (
	"encoding/json"
	"fmt"
	"io"
)

type roomCommand struct {
	Room   string `arg:"" help:"Its id."`
	Plugin string `help:"Whose room: videoroom or textroom." default:"videoroom" enum:"videoroom,textroom"`
	watching
}

// present is one who is in a room.
type present struct {
	Role    string `json:"role"`
	ID      id     `json:"id"`
	Display string `json:"display"`
	Session uint64 `json:"session_id"`
	Handle  uint64 `json:"handle_id"`
	Node    string `json:"node"`
	MovesTo string `json:"moves_to"`
	Up      bool   `json:"up"`
	Streams int    `json:"streams"`
}

// Run is of kong.
func (c *roomCommand) Run(con *console) error {
	return c.show(con, func() (json.RawMessage, error) {
		return con.api.ask(con.ctx, "room_info", members{"room": c.Room, "plugin": c.Plugin})
	}, roomTable)
}

func roomTable(out io.Writer, b json.RawMessage) error {
	var r room
	if err := decode(b, &r, "room_info"); err != nil {
		return err
	}
	t := newTable(out, "ROLE", "ID", "NAME", "HANDLE", "NODE", "UP", "STREAMS")
	for i := range r.Present {
		p := &r.Present[i]
		at := p.Node
		if p.MovesTo != "" {
			at += " → " + p.MovesTo
		}
		handle := ""
		if p.Session != 0 {
			handle = fmt.Sprintf("%d/%d", p.Session, p.Handle)
		}
		t.row(p.Role, p.ID, p.Display, handle, at, yesNo(p.Up), p.Streams)
	}
	if err := t.flush(); err != nil || r.LeftOut == 0 {
		return err
	}
	_, err := fmt.Fprintf(out, "and %d more\n", r.LeftOut)
	return err
}
