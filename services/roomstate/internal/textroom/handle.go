package textroom

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

const (
	fieldState = "state"
	role       = "chatter"
)

// handleRoom is what is known of one handle's PeerConnection.
type handleRoom struct {
	name   string
	exists bool

	Peer       *plugin.Peer `json:"peer,omitempty"` // nil: setup may be asked for
	Offered    bool         `json:"offered,omitempty"`
	Generation uint32       `json:"generation,omitempty"`
}

// asyncRequests are those about the PeerConnection.
var asyncRequests = map[string]func(h *handleDraft) (*busv1.Jsep, *failure){
	"setup":   (*handleDraft).setup,
	"ack":     (*handleDraft).ack,
	"restart": (*handleDraft).restart,
}

func loadHandle(name string, fields map[string]string) (plugin.Room, error) {
	r := &handleRoom{name: name}
	if stored, ok := fields[fieldState]; ok {
		if err := json.Unmarshal([]byte(stored), r); err != nil {
			return nil, fmt.Errorf("state of %s: %w", name, err)
		}
		r.exists = true
	}
	return r, nil
}

// handleDraft is a handleRoom in the making.
type handleDraft struct {
	*plugin.Turn
	handleRoom
	changed, dropped bool
}

// Apply runs the rule of the turn's command.
func (r *handleRoom) Apply(t *plugin.Turn) plugin.Result {
	h := &handleDraft{Turn: t, handleRoom: *r}
	if r.Peer != nil {
		peer := *r.Peer
		h.Peer = &peer
	}
	switch t.Command.GetVerb().(type) {
	case *busv1.Command_Message:
		h.message()
	case *busv1.Command_Hangup:
		if h.Peer != nil {
			h.Close(h.me(), h.Peer, h.HangupReason(), false)
		}
	case *busv1.Command_Trickle:
		h.RefuseTrickle(h.Peer != nil && !h.Offered)
	case *busv1.Command_Detach:
		h.detach()
	case *busv1.Command_Peer:
		h.peer(t.Command.GetPeer())
	case *busv1.Command_Move:
		moving.Move(t, host{h})
	}
	return h.result(r)
}

func (h *handleDraft) result(before *handleRoom) plugin.Result {
	next := h.handleRoom
	switch {
	case h.dropped && before.exists:
		return plugin.Result{Next: &handleRoom{name: before.name}, Drop: true}
	case !h.changed || h.dropped:
		return plugin.Result{}
	}
	next.exists = true
	return plugin.Result{Next: &next, Set: map[string][]byte{fieldState: render(&next)}}
}

// message answers setup, ack and restart.
func (h *handleDraft) message() {
	jsep := h.Command.GetMessage().GetJsep()
	if jsep.GetType() == "answer" && !h.Offered {
		h.Failure = fault.Newf(fault.UnexpectedAnswer, "Unexpected ANSWER (did we offer?)")
		return
	}
	body, _ := request.Read(h.Command.GetMessage().GetBody())
	name, _ := body.Text("request")
	offer, f := asyncRequests[strings.ToLower(name)](h)
	switch {
	case h.Failure != nil || len(h.Open) > 0:
	case f != nil:
		h.reply(f, nil)
	default:
		h.reply(members{"textroom": "event", "result": "ok"}, offer)
	}
}

// setup offers a data channel.
func (h *handleDraft) setup() (*busv1.Jsep, *failure) {
	if h.Peer != nil {
		return nil, fail(errSetup, "PeerConnection already setup")
	}
	placed, ok := h.Ask(plugin.Question{Place: true})
	if !ok {
		return nil, nil
	}
	spent, ok := h.Ask(plugin.Question{Spent: true, Handle: h.me()})
	if !ok {
		return nil, nil
	}
	for _, answer := range []plugin.Answer{placed, spent} {
		if answer.Err != nil {
			h.Failure = answer.Err
			return nil, nil
		}
	}
	peer := &plugin.Peer{Node: placed.Node, Generation: max(h.Generation, spent.Spent) + 1}
	offer := h.offer(peer, false)
	if offer != nil {
		h.Made = append(h.Made, h.key(peer))
		h.Peer, h.Generation = peer, peer.Generation
		h.Bind = &plugin.Binding{Room: h.name, Role: role}
	}
	return offer, nil
}

// restart offers the same anew, with other ICE credentials.
func (h *handleDraft) restart() (*busv1.Jsep, *failure) {
	if h.Peer == nil {
		return nil, fail(errSetup, "PeerConnection not setup")
	}
	return h.offer(h.Peer, true), nil
}

// offer has the node make one. It is nil if the turn has ended.
func (h *handleDraft) offer(peer *plugin.Peer, restart bool) *busv1.Jsep {
	got, ok := h.Ask(plugin.Question{
		Node: peer.Node, Handle: h.me(), Told: peer.Told,
		Request: &mediav1.MakeOfferRequest{
			Peer: h.peerID(peer), SessionName: "TextRoom", IceRestart: restart, Texts: true,
			Slots: []*mediav1.Slot{{Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true}},
		},
	})
	if !ok {
		return nil
	}
	if got.Err != nil {
		h.Failure = got.Err
		return nil
	}
	offer, _ := got.Response.(*mediav1.MakeOfferResponse)
	peer.Told++
	h.Offered, h.changed = true, true
	return &busv1.Jsep{Type: "offer", Sdp: offer.GetSdp()}
}

// ack takes the endpoint's answer, if there is one.
func (h *handleDraft) ack() (*busv1.Jsep, *failure) {
	jsep := h.Command.GetMessage().GetJsep()
	if jsep.GetType() != "answer" {
		return nil, nil
	}
	got, ok := h.Ask(plugin.Question{
		Node: h.Peer.Node, Handle: h.me(), Told: h.Peer.Told,
		Request: &mediav1.AcceptAnswerRequest{Peer: h.peerID(h.Peer), Sdp: jsep.GetSdp()},
	})
	switch {
	case !ok:
	case got.Err != nil:
		h.Failure = got.Err
	default:
		h.Peer.Told++
		h.Offered, h.changed = false, true
	}
	return nil, nil
}

// peer is what a node says of the handle's peer.
func (h *handleDraft) peer(news *busv1.PeerEvent) {
	if moving.News(h.Turn, host{h}) || news.GetGeneration() != h.Generation {
		return // the latter is of an earlier one
	}
	switch kind := news.GetKind().(type) {
	case *busv1.PeerEvent_Up_:
		if h.Peer != nil && !h.Peer.Up {
			h.Peer.Up, h.changed = true, true
		}
		h.core(&busv1.Event{Kind: &busv1.Event_WebrtcUp{WebrtcUp: &busv1.WebrtcUp{}}})
	case *busv1.PeerEvent_Closed_:
		h.closed(news.GetGeneration(), kind.Closed.GetReason())
	}
}

// closed takes the handle out of all text rooms.
func (h *handleDraft) closed(generation uint32, reason string) {
	h.forget()
	h.Scatter = generation
	h.core(&busv1.Event{Kind: &busv1.Event_Hangup{Hangup: &busv1.HangUp{Reason: reason}}})
}

// forget lets setup be asked for again.
func (h *handleDraft) forget() {
	if h.Peer != nil {
		h.Lost = append(h.Lost, h.Peer.Keys(h.me())...)
		h.Peer, h.Offered, h.changed = nil, false, true
	}
}

func (h *handleDraft) detach() {
	if h.Peer != nil {
		h.Close(h.me(), h.Peer, "", true)
		h.forget()
	}
	h.dropped, h.Gone = true, true
	h.core(&busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}})
}

func (h *handleDraft) me() plugin.HandleID { return h.Command.Handle.ID }

func (h *handleDraft) key(p *plugin.Peer) plugin.PeerKey {
	return plugin.PeerKey{Node: p.Node, Handle: h.me(), Generation: p.Generation}
}

func (h *handleDraft) peerID(p *plugin.Peer) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: h.me().Session, HandleId: h.me().Handle, Generation: p.Generation}
}

func (h *handleDraft) core(e *busv1.Event) {
	e.OpaqueId = h.Command.Handle.OpaqueID
	h.Emit(h.me(), e)
}

func (h *handleDraft) reply(v any, jsep *busv1.Jsep) {
	h.Answer(&busv1.Event{Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: Name, Data: render(v), Jsep: jsep}}})
}
