package videoroom

type leftView struct {
	VideoRoom string `json:"videoroom"`
	Room      ID     `json:"room"`
	Leaving   string `json:"leaving"`
	Reason    string `json:"reason,omitempty"`
}

// leave ends a publisher's stay. Janus leaves its media up and its watchers frozen; here both end.
func (d *draft) leave(p *publisher) *failure {
	p = d.own(p)
	peer := d.withdraw(p)
	d.tellLeaving(p)
	d.reply(leftView{VideoRoom: "event", Room: d.id, Leaving: "ok"}, nil)
	d.removePublisher(p)
	if peer != nil {
		d.Close(p.handle, peer, closePC, false)
	}
	return nil
}
