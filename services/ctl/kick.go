package ctl

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type kickCommand struct {
	Room        string `arg:"" help:"The room's id."`
	Participant string `arg:"" help:"The participant's id, as room shows it."`
	SecretFile  string `name:"room-secret-file" help:"File with the room's secret, if it has one. The secret itself may be in $$CARDEA_ROOM_SECRET." placeholder:"FILE"`
}

// Run is of kong. The ids go back as the API has told them: people need not know whether they are numbers or strings.
func (c *kickCommand) Run(con *console) error {
	secret := os.Getenv("CARDEA_ROOM_SECRET")
	if c.SecretFile != "" {
		b, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return misused("--room-secret-file: %w", err)
		}
		secret = strings.TrimSpace(string(b))
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
	request := members{"request": "kick", "room": r.Room.RawMessage, "id": who}
	if secret != "" {
		request["secret"] = secret
	}
	var got struct {
		Response struct {
			Code int    `json:"error_code"`
			Text string `json:"error"`
		} `json:"response"`
	}
	answer, err := con.api.ask(con.ctx, "message_plugin", members{"plugin": "janus.plugin.videoroom", "request": request})
	if err == nil {
		err = decode(answer, &got, "kick")
	}
	if err != nil {
		return err
	}
	if got.Response.Code != 0 {
		return fmt.Errorf("kick: %s (%d)", printable(got.Response.Text), got.Response.Code)
	}
	return con.say(answer, "%s is out of room %s, and may come back unless the pin or the list of allowed changes", c.Participant, c.Room)
}
