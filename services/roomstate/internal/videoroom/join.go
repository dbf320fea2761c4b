package videoroom

import (
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// join takes a handle into a room, as a publisher or a subscriber, for good.
func (d *draft) join() *failure { return d.enter(false) }

// joinAndConfigure is join, and the first configure of a publisher.
func (d *draft) joinAndConfigure() *failure { return d.enter(true) }

func (d *draft) enter(configure bool) *failure {
	if f := d.namesRoom(); f != nil {
		return f
	}
	if f := check(d.body, must("ptype", text), may("token", text)); f != nil {
		return f
	}
	if f := d.thisRoom(); f != nil {
		return f
	}
	if f := d.tokenFits(); f != nil {
		return f
	}
	if f := d.secretFits("pin", d.attributes.HasPin, d.attributes.Pin); f != nil {
		return f
	}
	ptype, _ := d.body.Text("ptype")
	switch strings.ToLower(ptype) {
	case rolePublisher:
		return d.joinPublisher(configure)
	case roleSubscriber:
		return d.joinSubscriber()
	}
	return fail(errInvalid, "Invalid element (ptype)")
}

type joinedView struct {
	VideoRoom   string         `json:"videoroom"`
	Room        ID             `json:"room"`
	Description string         `json:"description"`
	ID          ID             `json:"id"`
	PrivateID   uint32         `json:"private_id"`
	Publishers  []feedView     `json:"publishers"`
	Attendees   []attendeeView `json:"attendees,omitzero"`
	Packets     int32          `json:"audio_active_packets,omitempty"`
	Level       int32          `json:"audio_level_average,omitempty"`
	publishedView
}

// attendeeView is a participant that publishes nothing, or one that just came.
type attendeeView struct {
	ID       ID      `json:"id"`
	Display  *string `json:"display,omitempty"`
	Metadata any     `json:"metadata,omitempty"`
}

type joiningView struct {
	VideoRoom string       `json:"videoroom"`
	Room      ID           `json:"room"`
	Joining   attendeeView `json:"joining"`
}

func (d *draft) joinPublisher(configure bool) *failure {
	table := []field{
		may("display", text), may("metadata", dict),
	}
	if configure {
		table = append(table, joinAndConfigureTable...)
	}
	if f := check(d.body, table...); f != nil {
		return f
	}
	if configure {
		if f := d.checkDescriptions(); f != nil {
			return f
		}
	}
	id, f := d.feedID()
	if f != nil {
		return f
	}
	if f := d.onAllowedList(); f != nil {
		return f
	}
	if most := d.cfg.MaxParticipants; most > 0 && len(d.publishers) >= most {
		d.Meet(plugin.Participants)
		return fail(errUnknown, "Maximum number of participants (%d) already reached", most)
	}
	if f := d.personalFits(nil); f != nil {
		return f
	}
	p := &publisher{
		handle: d.me(), ID: id, PrivateID: d.privateID(), OpaqueID: d.Command.Handle.OpaqueID,
		Joined: d.Now.UnixNano(), Bitrate: d.attributes.Bitrate, Record: d.attributes.Record,
	}
	if display, ok := d.body.Text("display"); ok {
		p.Display = &display
	}
	p.Metadata, _ = d.body.Raw("metadata")
	packets, level := d.body.CInt("audio_active_packets"), d.body.CInt("audio_level_average")
	if packets > 0 {
		p.AudioActivePackets = new(uint32(packets))
	}
	if level > 0 {
		p.AudioLevelAverage = new(uint32(level))
	}
	d.addPublisher(p)
	d.Bind = &plugin.Binding{Room: d.name, Role: rolePublisher}

	joined := joinedView{
		VideoRoom: "joined", Room: d.id, Description: d.attributes.Description, ID: p.ID, PrivateID: p.PrivateID,
		Publishers: []feedView{}, Packets: packets, Level: level,
	}
	var jsep *busv1.Jsep
	if configure {
		d.applySettings(p)
		if d.jsepType() != "" {
			if jsep, f = d.takeOffer(p); f != nil {
				return f
			}
			if jsep == nil {
				return nil // not known yet
			}
			d.describe(p)
			joined.publishedView = p.published()
		}
	}
	d.listOthers(p, &joined)
	d.noticeJoined(p)
	if d.attributes.NotifyJoining {
		d.tellOthers(p.handle, joiningView{"event", d.id, p.attendee()})
	}
	d.reply(joined, jsep)
	return nil
}

// listOthers adds who is there: those with media, and in a room that notifies of joins the others as well.
func (d *draft) listOthers(me *publisher, joined *joinedView) {
	if d.attributes.NotifyJoining {
		joined.Attendees = []attendeeView{}
	}
	for _, p := range d.byAge() {
		switch {
		case p.handle == me.handle:
		case p.live():
			joined.Publishers = append(joined.Publishers, p.feedFor())
		case d.attributes.NotifyJoining && !p.Dummy:
			joined.Attendees = append(joined.Attendees, p.attendee())
		}
	}
}

func (p *publisher) attendee() attendeeView {
	v := attendeeView{ID: p.ID, Display: p.Display}
	if p.Metadata != nil {
		v.Metadata = p.Metadata
	}
	return v
}

// feedID is the id that the joiner wants, or a random one.
func (d *draft) feedID() (ID, *failure) {
	if f := check(d.body, may("id", d.cfg.idKind())); f != nil {
		return "", f
	}
	if id, ok := d.body.ID("id", d.cfg.StringIDs); ok && id != "0" {
		if d.feed(id) != nil {
			return "", fail(errIDExists, "User ID %s already exists", id)
		}
		return id, nil
	}
	for try := 0; ; try++ {
		if id := drawnID(d.cfg.StringIDs, d.Command.GetId(), "feed", try); d.feed(id) == nil {
			return id, nil
		}
	}
}

// privateID is what a publisher's subscriptions prove their belonging by.
func (d *draft) privateID() uint32 {
	for try := 0; ; try++ {
		id := uint32(drawn(d.Command.GetId(), "private", try) >> 32)
		if id != 0 && !d.hasPrivateID(id) {
			return id
		}
	}
}

func (r *Room) hasPrivateID(id uint32) bool {
	for _, p := range r.publishers {
		if p.PrivateID == id {
			return true
		}
	}
	return false
}

func (d *draft) onAllowedList() *failure {
	if !d.attributes.CheckAllowed {
		return nil
	}
	token, _ := d.body.Text("token")
	on := false
	for _, allowed := range d.attributes.Allowed {
		on = equal(token, allowed) || on
	}
	if !on || !d.body.Has("token") {
		return fail(errUnauthorized, "Unauthorized (not in the allowed list)")
	}
	return nil
}
