package ctl

type undrainCommand struct {
	Node string `arg:"" help:"Its name or id."`
}

// Run is of kong.
func (c *undrainCommand) Run(con *console) error {
	answer, err := con.api.ask(con.ctx, "undrain_node", members{"node": c.Node})
	if err != nil {
		return err
	}
	return con.say(answer, "%s takes work again; what has been moved stays where it is", c.Node)
}
