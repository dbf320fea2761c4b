package transport

// Description is what people may want to know of a peer's connection.
type Description struct {
	Address     string // of the endpoint, where media goes; empty for none yet
	TCP         bool
	SRTPProfile string // empty before the handshake is done
}

// Describe tells of the peer. It is to be called on the worker's goroutine.
func (p *Peer) Describe() Description {
	var d Description
	if p.selected.valid() {
		d.Address, d.TCP = p.selected.addr.String(), p.selected.tcp != nil
	}
	if p.inbound != nil {
		d.SRTPProfile = p.keyed.profile.String()
	}
	return d
}
