package node

// countLosses looks once a second at what was lost and what was sent again.
func (p *peer) countLosses() {
	for _, out := range p.subscribing.legs {
		p.node.countRetransmitted(out)
		lost := out.leg.Stats().Lost
		p.slowLink(SlowLink{MID: out.mid, Video: out.video, Uplink: true, Lost: uint32(lost - out.lost)})
		out.lost = lost
	}
	for _, in := range p.publishing.streams {
		if in == nil {
			continue
		}
		var lost uint64
		for layer := range in.layers {
			lost += in.stream.Stats(layer).Lost
		}
		p.slowLink(SlowLink{MID: in.agreed.MID, Video: in.video(), Lost: uint32(lost - in.lost), BitrateBPS: p.publishing.bitrate})
		in.lost = lost
	}
}

func (p *peer) slowLink(e SlowLink) {
	if threshold := p.node.cfg.SlowLinkThreshold; threshold != 0 && e.Lost >= threshold {
		p.node.cfg.Events.Publish(p.id, e)
	}
}

func (n *Node) countRetransmitted(out *outbound) {
	now := out.leg.Stats().Retransmitted
	n.retransmitted.Add(now - out.again)
	out.again = now
}
