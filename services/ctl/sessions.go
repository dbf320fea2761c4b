package ctl

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

type sessionsCommand struct {
	IDs bool `name:"ids" help:"Nothing but their ids: quick, however many they are."`
	watching
}

// session is what list_sessions tells of one.
type session struct {
	Session   uint64   `json:"session_id"`
	Transport string   `json:"transport"`
	Age       int64    `json:"age_s"`
	Idle      int64    `json:"idle_s"`
	Handles   []handle `json:"handles"`
}

type handle struct {
	Handle uint64 `json:"handle_id"`
	Plugin string `json:"plugin"`
	Room   string `json:"room"` // plugin/id
	Role   string `json:"role"`
}

// Run is of kong.
func (c *sessionsCommand) Run(con *console) error {
	if c.IDs {
		return c.show(con, func() (json.RawMessage, error) { return con.api.ask(con.ctx, "list_sessions", nil) }, idsTable)
	}
	return c.show(con, func() (json.RawMessage, error) {
		return con.api.ask(con.ctx, "list_sessions", members{"details": true})
	}, sessionsTable)
}

func idsTable(out io.Writer, b json.RawMessage) error {
	var got struct{ Sessions []uint64 }
	if err := decode(b, &got, "list_sessions"); err != nil {
		return err
	}
	t := newTable(out, "SESSION")
	for _, id := range got.Sessions {
		t.row(id)
	}
	return t.flush()
}

func sessionsTable(out io.Writer, b json.RawMessage) error {
	var got struct{ Sessions []session }
	if err := decode(b, &got, "list_sessions"); err != nil {
		return err
	}
	t := newTable(out, "HANDLE", "PLUGIN", "ROOM", "ROLE", "TRANSPORT", "AGE", "IDLE")
	for i := range got.Sessions {
		s := &got.Sessions[i]
		transport := strings.TrimPrefix(s.Transport, "janus.transport.")
		age, idle := time.Duration(s.Age)*time.Second, time.Duration(s.Idle)*time.Second
		if len(s.Handles) == 0 {
			t.row(fmt.Sprintf("%d/", s.Session), "", "", "", transport, age, idle)
		}
		for _, h := range s.Handles {
			_, room, _ := strings.Cut(h.Room, "/")
			t.row(fmt.Sprintf("%d/%d", s.Session, h.Handle), pluginName(h.Plugin), room, h.Role, transport, age, idle)
		}
	}
	return t.flush()
}
