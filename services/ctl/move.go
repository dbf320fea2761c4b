package ctl

type moveCommand struct {
	Handle string `arg:"" help:"SESSION/HANDLE, as sessions and room show it, or HANDLE."`
	Node   string `arg:"" optional:"" help:"Where to; without it, any other node."`
}

// Run is of kong.
func (c *moveCommand) Run(con *console) error {
	with, err := con.find(c.Handle)
	if err != nil {
		return err
	}
	to := "another node"
	if c.Node != "" {
		with["node"], to = c.Node, c.Node
	}
	answer, err := con.api.ask(con.ctx, "move_handle", with)
	if err != nil {
		return err
	}
	return con.say(answer, "%v/%v is on its way to %s; it is there when its endpoint sends there", with["session_id"], with["handle_id"], to)
}
