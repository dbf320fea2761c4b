package ctl

import (
	"encoding/json"
	"fmt"
)

type kickCommand struct {
	Room        string `arg:"" help:"The room's id."`
	Participant string `arg:"" help:"The participant's id, as room shows it."`
	roomSecret
}

// Run is of kong. The ids go back as the API has told them: people need not know whether they are numbers or strings.
func (c *kickCommand) Run(con *console) error {
	shown, err := c.read()
	if err != nil {
		return err
	}
	var r room
	if err := con.api.get(con.ctx, &r, "room_info", members{"room": c.Room}); err != nil {
		return err
	}
	var who json.RawMessage
	for i := range r.Present {
		if p := &r.Present[i]; p.Role == "publisher" && p.ID.String() == c.Participant {
			who = p.ID.RawMessage
		}
	}
	if who == nil {
		return fmt.Errorf("no participant %s in room %s", c.Participant, c.Room)
	}
	request := members{"room": r.Room.RawMessage, "id": who}
	answer, err := con.inRoom("videoroom", "kick", shown, request)
	if err != nil {
		return err
	}
	return con.say(answer, "%s is out of room %s, and may come back unless the pin or the list of allowed changes", c.Participant, c.Room)
}
