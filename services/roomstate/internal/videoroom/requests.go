package videoroom

import (
	"strings"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// The requests, by name. A synchronous one is answered by what it returns; an asynchronous one answers by an event.
var (
	syncRequests = map[string]func(d *draft) (any, *failure){
		"create":           (*draft).create,
		"edit":             (*draft).edit,
		"destroy":          (*draft).destroy,
		"exists":           (*draft).exists,
		"allowed":          (*draft).allow,
		"kick":             (*draft).kick,
		"moderate":         (*draft).moderate,
		"enable_recording": (*draft).enableRecording,
		"list":             (*draft).list,
		"listparticipants": (*draft).listParticipants,

		"listforwarders":          (*draft).listForwarders,
		"rtp_forward":             (*draft).rtpForward,
		"stop_rtp_forward":        (*draft).stopRTPForward,
		"publish_remotely":        (*draft).publishRemotely,
		"unpublish_remotely":      (*draft).unpublishRemotely,
		"listremotes":             (*draft).listRemotes,
		"list_remotes":            (*draft).listRemotes, // the documented name, which Janus does not know
		"add_remote_publisher":    (*draft).addRemotePublisher,
		"update_remote_publisher": (*draft).updateRemotePublisher,
		"remove_remote_publisher": (*draft).removeRemotePublisher,
	}
	joinRequests = map[string]func(d *draft) *failure{
		"join":             (*draft).join,
		"joinandconfigure": (*draft).joinAndConfigure,
	}
	publisherRequests = map[string]func(d *draft, p *publisher) *failure{
		"publish":   (*draft).publish,
		"configure": (*draft).configure,
		"unpublish": (*draft).unpublish,
		"leave":     (*draft).leave,
	}
	subscriberRequests = map[string]func(d *draft, s *subscriber) *failure{
		"start":       (*draft).start,
		"pause":       (*draft).pause,
		"configure":   (*draft).configureSubscription,
		"subscribe":   (*draft).subscribe,
		"unsubscribe": (*draft).unsubscribe,
		"update":      (*draft).update,
		"switch":      (*draft).switchSources,
		"leave":       (*draft).leaveSubscription,
	}
)

func isSync(name string) bool {
	_, ok := syncRequests[name]
	return ok
}

func isAsync(name string) bool {
	_, joins := joinRequests[name]
	_, publishes := publisherRequests[name]
	_, subscribes := subscriberRequests[name]
	return joins || publishes || subscribes
}

// message answers a request.
func (d *draft) message() {
	if !d.answerFits() {
		d.Failure = fault.Newf(fault.UnexpectedAnswer, "Unexpected ANSWER (did we offer?)")
		return
	}
	body, _ := request.Read(d.Command.GetMessage().GetBody())
	if body == nil {
		d.Reply = render(fail(errNotObject, "JSON error: not an object"))
		return
	}
	d.body = body
	if f := check(body, must("request", text)); f != nil {
		d.Reply = render(f)
		return
	}
	asked, _ := body.Text("request")
	name := strings.ToLower(asked)
	if f := d.permitted(name); f != nil && isAsync(name) {
		d.reply(f, nil)
		return
	} else if f != nil && isSync(name) {
		d.Reply = render(f)
		return
	}
	if isAsync(name) {
		if f := d.async(name, asked); f != nil {
			d.undo()
			d.reply(f, nil)
		}
		return
	}
	answer, f := any(nil), fail(errRequest, "Unknown request '%s'", asked)
	if do, ok := syncRequests[name]; ok {
		answer, f = do(d)
	}
	if f != nil {
		d.undo()
		answer = f
	}
	d.Reply = render(answer)
}

// async carries out a request of the handle in its role.
func (d *draft) async(name, asked string) *failure {
	h := d.Command.Handle
	join, joins := joinRequests[name]
	publisher, subscriber := d.publishers[h.ID], d.subscribers[h.ID]
	subscribes := subscriber != nil || h.Role == roleSubscriber
	switch {
	case h.Room == "" && joins:
		return join(d)
	case h.Room == "":
		return fail(errJoinFirst, "Invalid request on unconfigured participant")
	case joins && publisher != nil:
		return fail(errAlreadyJoined, "Already in as a publisher on this handle")
	case name == "join" && subscribes:
		return fail(errAlreadyJoined, "Already in as a subscriber on this handle")
	case joins && !subscribes:
		return fail(errAlreadyJoined, "Not in a room (create a new handle)")
	case publisher != nil:
		if do, ok := publisherRequests[name]; ok {
			return do(d, publisher)
		}
	case subscribes:
		do, ok := subscriberRequests[name]
		if ok && subscriber == nil {
			return d.onNothing(do)
		}
		if ok {
			return d.onSubscription(subscriber, do)
		}
	default:
		return fail(errNoSuchRoom, "No such room")
	}
	return fail(errRequest, "Unknown request '%s'", asked)
}

// answerFits tells whether an answer, if there is one, answers an offer of ours, be it again: that is the core's to say, whatever
// the body may be. A synchronous request about another room than the handle's cannot know; its answer is ignored.
func (d *draft) answerFits() bool {
	h := d.Command.Handle
	if d.jsepType() != "answer" || h.Room != "" && h.Room != d.name {
		return true
	}
	p, s := d.publishers[h.ID], d.subscribers[h.ID]
	return s != nil && s.Peer != nil || p != nil && p.Peer != nil // the latter is refused in the plugin's words
}

func (d *draft) jsepType() string { return d.Command.GetMessage().GetJsep().GetType() }

// The roles a handle can have in a room.
const (
	rolePublisher  = "publisher"
	roleSubscriber = "subscriber"
)

// roomAndSecret is what most requests begin with: a room that exists, and the secret to change it.
func (d *draft) roomAndSecret() *failure {
	if f := d.thisRoom(); f != nil {
		return f
	}
	return d.secretFits("secret", d.attributes.HasSecret && !d.standsForSecret() && !d.byOperator(), d.attributes.Secret)
}

// looseRoomAndSecret is roomAndSecret where Janus does not look at the type of room: what is no id names no room.
func (d *draft) looseRoomAndSecret() *failure {
	if _, ok := d.body.ID("room", d.cfg.StringIDs); !ok {
		n, _ := d.body.Int("room")
		return fail(errNoSuchRoom, "No such room (%d)", uint64(n))
	}
	return d.roomAndSecret()
}

// thisRoom fails unless the request names a room that exists.
func (d *draft) thisRoom() *failure {
	if f := d.namesRoom(); f != nil {
		return f
	}
	if d.attributes == nil {
		return fail(errNoSuchRoom, "No such room (%s)", d.id)
	}
	return nil
}

func (d *draft) namesRoom() *failure { return check(d.body, must("room", d.cfg.idKind())) }

// me is the handle that the command is about.
func (d *draft) me() plugin.HandleID { return d.Command.Handle.ID }
