package videoroom

import (
	"encoding/json"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

type attachedView struct {
	VideoRoom string          `json:"videoroom"`
	Room      ID              `json:"room"`
	Streams   []slotView      `json:"streams"`
	Warning   string          `json:"warning,omitempty"`
	ID        ID              `json:"id,omitempty"`
	Display   *string         `json:"display,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

// joinSubscriber makes the handle a subscriber of the streams it names, or of a feed in the legacy form.
func (d *draft) joinSubscriber() *failure {
	if d.jsepType() != "" {
		return fail(errRequest, "Can't send an offer to create subscribers")
	}
	if f := check(d.body,
		may("streams", array), may("private_id", positive), may("autoupdate", boolean),
		may("feed", d.cfg.idKind()),
		may("offer_audio", boolean), may("offer_video", boolean), may("offer_data", boolean),
		may("audio", boolean), may("video", boolean), may("data", boolean),
		may("substream", positive), may("temporal", positive), may("fallback", positive),
		may("spatial_layer", positive), may("temporal_layer", positive),
	); f != nil {
		return f
	}
	items := d.body.Objects("streams")
	legacy := len(items) == 0
	if legacy {
		if !d.body.Has("feed") {
			return fail(errMissing, "Missing mandatory element (feed)")
		}
		items = []object{{"feed": d.body["feed"]}}
	}
	privateID := d.body.Uint32Or("private_id", 0)
	var encrypted *bool
	if d.attributes.RequireE2EE {
		encrypted = &d.attributes.RequireE2EE
	}
	wishes, f := d.wishes(items, true, encrypted, wrongKind)
	if f != nil {
		return f
	}
	if d.attributes.RequirePrivateID && !d.belongs(privateID) {
		return fail(errUnauthorized, "Unauthorized (this room requires a valid private_id)")
	}
	if most := d.cfg.MaxParticipants; most > 0 && len(d.subscribers) >= most {
		d.Meet(plugin.Subscriptions)
		return fail(errUnknown, "Maximum number of subscriptions (%d) already reached", most)
	}
	s := &subscriber{
		handle: d.me(), OpaqueID: d.Command.Handle.OpaqueID, PrivateID: privateID,
		AutoUpdate: d.body.BoolOr("autoupdate", true), UseMSID: d.body.BoolOr("use_msid", false),
	}
	for _, w := range wishes {
		if legacy && !d.body.BoolOr("offer_"+w.from.Type, true) {
			continue
		}
		if sl := s.add(w); sl != nil {
			sl.tune(w)
		}
		s.E2EE = w.feed.E2EE
	}
	if len(s.Slots) == 0 {
		return fail(errInvalidSDP, "Can't offer an SDP with no stream")
	}
	for i := range s.Slots {
		s.Slots[i].Send = true // an item's send has no effect here
	}
	d.addSubscriber(s)
	d.Bind = &plugin.Binding{Room: d.name, Role: roleSubscriber}
	jsep, err := d.makeOffer(s)
	if err != nil {
		return offerFailed(err)
	}
	attached := attachedView{VideoRoom: "attached", Room: d.id, Streams: d.slotViews(s)}
	if legacy {
		p := wishes[0].feed
		attached.Warning, attached.ID, attached.Display, attached.Metadata = "deprecated_api", p.ID, p.Display, p.Metadata
	}
	d.reply(attached, jsep)
	d.noticeSubscription("subscribing", s)
	return nil
}

// belongs tells whether someone in the room has this private id.
func (d *draft) belongs(privateID uint32) bool {
	return privateID != 0 && slices.ContainsFunc(d.byAge(), func(p *publisher) bool { return p.PrivateID == privateID })
}

// wrongKind is what a join says of a feed that does not go with the others, or with the room.
func wrongKind(feed ID, encrypted bool) *failure {
	if encrypted {
		return fail(errInvalidFeed, "Can't have not end-to-end encrypted feed in this subscription (%s)", feed)
	}
	return fail(errInvalidFeed, "Can't have end-to-end encrypted feed in this subscription (%s)", feed)
}
