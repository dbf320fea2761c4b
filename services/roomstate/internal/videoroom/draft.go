package videoroom

import (
	"maps"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// draft is a room in the making: what a rule changes is copied first, and noted.
type draft struct {
	*plugin.Turn
	*Room
	before  *Room
	body    object
	touched map[string]bool // stored fields
	created bool
	dropped bool
	avoided string // node that no peer is placed on in this turn; empty for none
}

// Apply runs the rule of the turn's command.
func (r *Room) Apply(t *plugin.Turn) plugin.Result {
	next := *r
	next.publishers, next.subscribers = maps.Clone(r.publishers), maps.Clone(r.subscribers)
	d := &draft{Turn: t, Room: &next, before: r, touched: map[string]bool{}}
	switch t.Command.GetVerb().(type) {
	case *busv1.Command_Message:
		d.message()
	case *busv1.Command_Hangup:
		d.hangup()
	case *busv1.Command_Trickle:
		d.RefuseTrickle(d.negotiated())
	case *busv1.Command_Detach:
		d.detach()
	case *busv1.Command_Peer:
		d.peer(t.Command.GetPeer())
	case *busv1.Command_Move:
		moving.Move(t, host{d})
	}
	return d.result()
}

// undo forgets all that the rule has done so far.
func (d *draft) undo() {
	next := *d.before
	d.Room = &next
	d.touched = map[string]bool{}
	d.dropped, d.created = false, false
	d.Events, d.Tasks, d.Made, d.Lost, d.Bind, d.Notices = nil, nil, nil, nil, nil, nil
}

// settings returns the room's attributes to be changed.
func (d *draft) settings() *attributes {
	if !d.touched[fieldRoom] {
		c := *d.attributes
		d.attributes = &c
		d.touched[fieldRoom] = true
	}
	return d.attributes
}

// own returns p to be changed.
func (d *draft) own(p *publisher) *publisher {
	key := fieldPublisher + ":" + p.handle.String()
	if d.touched[key] {
		return d.publishers[p.handle]
	}
	d.touched[key] = true
	c := p.clone()
	d.publishers[p.handle] = c
	return c
}

// ownSubscriber returns s to be changed.
func (d *draft) ownSubscriber(s *subscriber) *subscriber {
	key := fieldSubscriber + ":" + s.handle.String()
	if d.touched[key] {
		return d.subscribers[s.handle]
	}
	d.touched[key] = true
	c := s.clone()
	d.subscribers[s.handle] = c
	return c
}

func (d *draft) addPublisher(p *publisher) {
	d.publishers[p.handle] = p
	d.touched[fieldPublisher+":"+p.handle.String()] = true
}

func (d *draft) addSubscriber(s *subscriber) {
	d.subscribers[s.handle] = s
	d.touched[fieldSubscriber+":"+s.handle.String()] = true
}

func (d *draft) removePublisher(p *publisher) {
	delete(d.publishers, p.handle)
	d.touched[fieldPublisher+":"+p.handle.String()] = true
}

func (d *draft) removeSubscriber(s *subscriber) {
	delete(d.subscribers, s.handle)
	d.touched[fieldSubscriber+":"+s.handle.String()] = true
}

// result is what is to be written.
func (d *draft) result() plugin.Result {
	if len(d.touched) == 0 && !d.dropped {
		return plugin.Result{}
	}
	if d.dropped {
		return plugin.Result{Next: d.Room, Drop: true}
	}
	result := plugin.Result{Next: d.Room, Set: map[string][]byte{}}
	for key := range d.touched {
		if value := d.stored(key); value != nil {
			result.Set[key] = value
		} else {
			result.Delete = append(result.Delete, key)
		}
	}
	if d.created || d.touched[fieldRoom] || len(d.publishers) != len(d.before.publishers) {
		result.Index = render(d.listed())
	}
	return result
}

// stored returns a field as it is kept, nil if it is no more.
func (d *draft) stored(key string) []byte {
	what, of, _ := strings.Cut(key, ":")
	if what == fieldRoom {
		return render(d.attributes)
	}
	id, err := plugin.ParseHandleID(of)
	if err != nil {
		return nil
	}
	if p := d.publishers[id]; what == fieldPublisher && p != nil {
		return render(p)
	}
	if s := d.subscribers[id]; what == fieldSubscriber && s != nil {
		return render(s)
	}
	return nil
}
