package videoroom

import (
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func event(v any, jsep *busv1.Jsep) *busv1.Event {
	return &busv1.Event{Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: Name, Data: render(v), Jsep: jsep}}}
}

// reply answers the command's request.
func (d *draft) reply(v any, jsep *busv1.Jsep) { d.Answer(event(v, jsep)) }

// tell gives a publisher an event, if it has a handle.
func (d *draft) tell(p *publisher, v any) {
	if p.handle.Session != 0 {
		d.emit(p.handle, p.OpaqueID, event(v, nil))
	}
}

// tellOthers gives an event to all publishers but one.
func (d *draft) tellOthers(but plugin.HandleID, v any) {
	var told *busv1.Event // what each is told is written once
	for _, p := range d.byAge() {
		if p.handle == but || p.handle.Session == 0 {
			continue
		}
		if told == nil {
			told = event(v, nil)
		}
		d.emit(p.handle, p.OpaqueID, &busv1.Event{Kind: told.Kind})
	}
}

// tellAll gives an event to all publishers. Subscribers get no events of the room.
func (d *draft) tellAll(v any) { d.tellOthers(plugin.HandleID{}, v) }

func (d *draft) emit(to plugin.HandleID, opaqueID string, e *busv1.Event) {
	e.OpaqueId = opaqueID
	d.Emit(to, e)
}

// core gives the command's handle an event of the core's.
func (d *draft) core(e *busv1.Event) { d.emit(d.me(), d.Command.Handle.OpaqueID, e) }
