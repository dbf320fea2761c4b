package videoroom

import (
	"fmt"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// recording is what is written of a publisher. What changes of the names by which it began counts for the next.
type recording struct {
	Take      uint32 `json:"take"`
	Base      string `json:"base"` // within a node's folder
	Stamped   bool   `json:"stamped,omitempty"`
	Otherwise string `json:"otherwise,omitempty"` // the base, stamped, if the node finds that the other leads elsewhere
}

// followRecording begins or ends a publisher's recording as its flag says, and reports whether it did.
func (d *draft) followRecording(p *publisher) bool {
	switch {
	case p.Record == (p.Written != nil):
		return false
	case !p.Record:
		p.Written = nil
		return true
	}
	p.Takes++
	in := func(name string) string {
		if dir := d.attributes.RecordDir; dir != "" {
			return dir + "/" + name // one that leads elsewhere is the node's to refuse
		}
		return name
	}
	unnamed := in(fmt.Sprintf("videoroom-%s-user-%s", plainName(d.id), plainName(p.ID)))
	switch {
	case p.Filename == "":
		p.Written = &recording{Take: p.Takes, Base: unnamed, Stamped: true}
	case plugin.MayBeInFolder(p.Filename):
		p.Written = &recording{Take: p.Takes, Base: p.Filename, Otherwise: unnamed}
	default:
		p.Written = &recording{Take: p.Takes, Base: in(p.Filename)}
	}
	return true
}

// plainName is an id as part of a file's name.
func plainName(id ID) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\`, r) {
			return '_'
		}
		return r
	}, id.String())
}

// recordingOrder is what the node is told. The request may be about to change descriptions, which files have from their start.
func (d *draft) recordingOrder(p *publisher) *mediav1.Recording {
	if p.Written == nil {
		return &mediav1.Recording{}
	}
	order := &mediav1.Recording{
		Base: p.Written.Base, Stamped: p.Written.Stamped, Otherwise: p.Written.Otherwise, Take: p.Written.Take, Descriptions: map[string]string{},
	}
	for i := range p.Streams {
		if s := &p.Streams[i]; s.Description != "" {
			order.Descriptions[s.Mid] = s.Description
		}
	}
	for _, item := range d.body.Objects("descriptions") {
		mid, _ := item.Text("mid")
		order.Descriptions[mid], _ = item.Text("description")
	}
	return order
}

type recordingView struct {
	VideoRoom string `json:"videoroom"`
	Record    bool   `json:"record"`
}

// enableRecording sets the room's flag, and that of everyone in it.
func (d *draft) enableRecording() (any, *failure) {
	if f := d.looseRoomAndSecret(); f != nil {
		return nil, f
	}
	if f := check(d.body, must("record", boolean)); f != nil {
		return nil, f
	}
	record, _ := d.body.Bool("record")
	if record != d.attributes.Record {
		d.settings().Record = record
		for _, p := range d.byAge() {
			p = d.own(p)
			p.Record = record
			if !d.orderRecording(p) {
				return nil, nil
			}
		}
	}
	return recordingView{"success", record}, nil
}

// orderRecording has the node of a publisher's media record it, or not. It returns false if the turn has ended. A node
// that has lost the media has nothing to record.
func (d *draft) orderRecording(p *publisher) bool {
	if p.Peer == nil || !d.followRecording(p) {
		return true
	}
	_, ok, err := d.call(p.handle, p.Peer, &mediav1.UpdatePublisherRequest{
		Peer: peerID(p.handle, p.Peer), Recording: d.recordingOrder(p),
	})
	if ok && err == nil {
		p.Peer.Told++
	}
	return ok
}
