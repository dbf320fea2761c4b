package videoroom

// forwardersView lists who is forwarded, which is nobody: this server does not forward RTP.
type forwardersView struct {
	VideoRoom  string `json:"videoroom"`
	Room       ID     `json:"room"`
	Publishers []any  `json:"publishers"`
}

func (d *draft) listForwarders() (any, *failure) {
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	return forwardersView{"forwarders", d.id, []any{}}, nil
}
