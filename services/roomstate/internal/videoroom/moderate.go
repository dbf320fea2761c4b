package videoroom

import (
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

type moderationView struct {
	VideoRoom  string `json:"videoroom"`
	Room       ID     `json:"room"`
	ID         ID     `json:"id"`
	Mid        string `json:"mid"`
	Moderation string `json:"moderation"`
}

// moderate mutes one stream of a participant, or lets it be heard and seen again.
func (d *draft) moderate() (any, *failure) {
	if f := check(d.body, may("secret", text), must("id", d.cfg.idKind()),
		must("mid", text), must("mute", boolean)); f != nil {
		return nil, f
	}
	if f := d.looseRoomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.user()
	if f != nil {
		return nil, f
	}
	mid, _ := d.body.Text("mid")
	if p.stream(mid) == nil {
		return nil, fail(errNoSuchFeed, "No such stream %s", mid)
	}
	mute, _ := d.body.Bool("mute")
	p = d.own(p)
	if s := p.stream(mid); s.Muted != mute {
		s.Muted = mute
		if p.Peer == nil { // a dummy, of which nobody is told
			return successView{"success"}, nil
		}
		_, ok, err := d.call(p.handle, p.Peer, &mediav1.UpdatePublisherRequest{
			Peer:    peerID(p.handle, p.Peer),
			Streams: []*mediav1.StreamState{{Mid: mid, Relay: new(s.relayed())}},
		})
		if !ok {
			return nil, nil
		}
		if err != nil {
			return nil, unserved(err)
		}
		p.Peer.Told++
	}
	return d.moderated(p, mid, mute), nil
}

// moderated tells everyone.
func (d *draft) moderated(p *publisher, mid string, mute bool) successView {
	v := moderationView{"event", d.id, p.ID, mid, "unmuted"}
	if mute {
		v.Moderation = "muted"
	}
	d.tellAll(v)
	v.VideoRoom = "moderated"
	d.Notify(plugin.HandleID{}, "", v)
	return successView{"success"}
}
