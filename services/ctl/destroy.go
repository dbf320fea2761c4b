package ctl

type destroyCommand struct {
	Room   string `arg:"" help:"The room's id."`
	Plugin string `help:"Whose room: videoroom or textroom." default:"videoroom" enum:"videoroom,textroom"`
	roomSecret
}

// Run is of kong. The id goes back as the API has told it, as of kick.
func (c *destroyCommand) Run(con *console) error {
	shown, err := c.read()
	if err != nil {
		return err
	}
	var r room
	if err := con.api.get(con.ctx, &r, "room_info", members{"room": c.Room, "plugin": c.Plugin}); err != nil {
		return err
	}
	request := members{"room": r.Room.RawMessage}
	if c.Plugin == "textroom" {
		request["transaction"] = "cardea-ctl" // which TextRoom wants of administrators
	}
	answer, err := con.inRoom(c.Plugin, "destroy", shown, request)
	if err != nil {
		return err
	}
	return con.say(answer, "room %s of %s is gone, with all who were in it", c.Room, c.Plugin)
}
