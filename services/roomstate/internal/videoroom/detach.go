package videoroom

import "github.com/cardea-rtc/cardea/proto/busv1"

// hangup has the handle's PeerConnection ended. What follows comes with the node's word that it is closed.
func (d *draft) hangup() {
	if p := d.publishers[d.me()]; p != nil && p.Peer != nil {
		d.Close(p.handle, p.Peer, d.HangupReason(), false)
	}
	if s := d.subscribers[d.me()]; s != nil && s.Peer != nil {
		d.Close(s.handle, s.Peer, d.HangupReason(), false)
	}
}

// negotiated tells whether the handle has a PeerConnection of which offer and answer are done.
func (d *draft) negotiated() bool {
	if p := d.publishers[d.me()]; p != nil {
		return p.Peer != nil
	}
	s := d.subscribers[d.me()]
	return s != nil && s.Peer != nil && (s.Peer.Up || !s.Offered)
}

// detach takes the handle out of the room and ends it.
func (d *draft) detach() {
	if p := d.publishers[d.me()]; p != nil {
		p = d.own(p)
		announced := p.live()
		peer := d.withdraw(p)
		if announced {
			d.tellUnpublished(p)
		}
		d.tellLeaving(p)
		d.removePublisher(p)
		if peer != nil {
			d.Close(p.handle, peer, "", true)
		}
	}
	if s := d.subscribers[d.me()]; s != nil {
		if s.Peer != nil {
			d.parted(s.handle, s.Peer)
			d.Close(s.handle, s.Peer, "", true)
		}
		d.removeSubscriber(s)
	}
	d.Gone = true
	d.core(&busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}})
}
