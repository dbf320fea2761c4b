package textroom

// notice tells event handlers what the command's handle did, as Janus names it: to the room, or to a member of it. key is
// "event", but of a kick.
func (d *draft) notice(key, what string, m *member) {
	if d.Command.Over && what == "created" {
		return // nobody did: it is a room that is there from the start
	}
	body := members{key: what, "room": d.id}
	if m != nil {
		body["username"] = m.Username
		if m.Display != "" {
			body["display"] = m.Display
		}
	}
	d.Notify(d.me(), d.Command.Handle.OpaqueID, body)
}
