package videoroom

import (
	"encoding/json"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// closePC is Janus's word for a PeerConnection that a plugin ends.
const closePC = "Close PC"

// goneView is about a participant, told to the others.
type goneView struct {
	VideoRoom   string          `json:"videoroom"`
	Room        ID              `json:"room"`
	Display     *string         `json:"display,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Unpublished ID              `json:"unpublished,omitempty"`
	Leaving     ID              `json:"leaving,omitempty"`
	Kicked      ID              `json:"kicked,omitempty"`
}

func (d *draft) goneView(p *publisher) goneView {
	return goneView{VideoRoom: "event", Room: d.id, Display: p.Display, Metadata: p.Metadata}
}

func (d *draft) tellUnpublished(p *publisher) {
	v := d.goneView(p)
	v.Unpublished = p.ID
	d.noticeOfRoom("unpublished", p.ID)
	d.tellOthers(p.handle, v)
}

func (d *draft) tellLeaving(p *publisher) {
	v := d.goneView(p)
	v.Leaving = p.ID
	d.noticeOfRoom("leaving", p.ID)
	d.tellOthers(p.handle, v)
}

type unpublishedView struct {
	VideoRoom   string `json:"videoroom"`
	Room        ID     `json:"room"`
	Unpublished string `json:"unpublished"`
}

// unpublish ends a publisher's media; it stays in the room. As at Janus media that is not up cannot be ended so: a
// hangup does that.
func (d *draft) unpublish(p *publisher) *failure {
	if p.Peer == nil || !p.Peer.Up {
		return fail(errNotPublished, "Can't unpublish, not published")
	}
	p = d.own(p)
	announced := p.live()
	peer := d.withdraw(p)
	if announced {
		d.tellUnpublished(p)
	}
	d.reply(unpublishedView{"event", d.id, "ok"}, nil)
	d.Close(p.handle, peer, closePC, false)
	return nil
}

// withdraw takes a publisher's media from it and from all who watch it, and returns the peer that had it, if any.
// Streams, codecs and the like begin anew with the next; bitrate and record stay.
func (d *draft) withdraw(p *publisher) *plugin.Peer {
	peer := p.Peer
	if peer == nil {
		return nil
	}
	d.parted(p.handle, peer)
	p.Peer, p.Streams, p.E2EE, p.Filename, p.Written, p.Forwards = nil, nil, false, "", nil, nil
	p.AudioCodec, p.VideoCodec = "", ""
	for _, s := range d.watchers() {
		if s.watches(p.handle) {
			s = d.ownSubscriber(s)
			s.drop(p.handle)
			d.renegotiate(s)
		}
	}
	return peer
}
