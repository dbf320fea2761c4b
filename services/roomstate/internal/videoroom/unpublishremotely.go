package videoroom

import (
	"slices"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// unpublishRemotely ends what another server gets of a publisher.
func (d *draft) unpublishRemotely() (any, *failure) {
	if f := check(d.body, must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("remote_id", text)); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.namedFeed("publisher")
	if f != nil {
		return nil, f
	}
	id, _ := d.body.Text("remote_id")
	at := p.remotized(id)
	if at < 0 {
		return nil, fail(errNoSuchFeed, "No such remotization (%s)", id)
	}
	p = d.own(p)
	if p.Peer != nil {
		_, ok, err := d.call(p.handle, p.Peer, &mediav1.UnpublishRemotelyRequest{Peer: peerID(p.handle, p.Peer), Id: id})
		if !ok {
			return nil, nil
		}
		if err != nil && fault.Of(err) != fault.NoSuchPeer {
			return nil, unserved(err)
		}
		p.Peer.Told++
	}
	p.Remotizations = slices.Delete(p.Remotizations, at, at+1)
	return remotizedView{VideoRoom: "success", Room: d.id, ID: p.ID}, nil
}
