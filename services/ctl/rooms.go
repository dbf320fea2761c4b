package ctl

import (
	"encoding/json"
	"io"
	"strings"
)

type roomsCommand struct{ watching }

// id is one as the API has it: a number, or a string where ids are strings.
type id struct{ json.RawMessage }

func (i id) String() string {
	var s string
	if json.Unmarshal(i.RawMessage, &s) == nil {
		return s
	}
	return string(i.RawMessage)
}

// room is what list_rooms and room_info tell of one.
type room struct {
	Room         id        `json:"room"`
	Plugin       string    `json:"plugin"`
	Description  string    `json:"description"`
	Participants int       `json:"participants"`
	Subscribers  int       `json:"subscribers"`
	Nodes        []string  `json:"nodes"`
	Present      []present `json:"present"`
	LeftOut      int       `json:"left_out"`
}

// Run is of kong.
func (c *roomsCommand) Run(con *console) error {
	return c.show(con, func() (json.RawMessage, error) { return con.api.ask(con.ctx, "list_rooms", nil) }, roomsTable)
}

func roomsTable(out io.Writer, b json.RawMessage) error {
	var got struct{ Rooms []room }
	if err := decode(b, &got, "list_rooms"); err != nil {
		return err
	}
	t := newTable(out, "ROOM", "PLUGIN", "PARTICIPANTS", "SUBSCRIBERS", "NODES", "DESCRIPTION")
	for i := range got.Rooms {
		r := &got.Rooms[i]
		t.row(r.Room, pluginName(r.Plugin), r.Participants, r.Subscribers, strings.Join(r.Nodes, ","), r.Description)
	}
	return t.flush()
}
