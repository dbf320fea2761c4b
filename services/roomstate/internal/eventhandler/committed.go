package eventhandler

import (
	"encoding/json"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Committed tells of a turn that has been written.
func Committed(e *events.Emitter, t *plugin.Turn) {
	if e == nil {
		return
	}
	h := &t.Command.Handle
	if jsep := t.Command.GetMessage().GetJsep(); jsep != nil {
		e.Emit(of(h, events.JSEP, 0, description("remote", jsep)))
		remoteCandidates(e, h, candidatesOf(jsep.GetSdp()))
	}
	for _, n := range t.Notices {
		about := plugin.Handle{ID: n.Handle, OpaqueID: n.OpaqueID}
		e.Emit(of(&about, events.Plugin, 0, events.Object{"plugin": h.Plugin, "data": n.Data}))
	}
	for _, ev := range t.Events {
		raised(e, h, ev)
	}
}

// raised tells of what an endpoint is told.
func raised(e *events.Emitter, acting *plugin.Handle, ev *busv1.Event) {
	h := &plugin.Handle{
		ID: plugin.HandleID{Session: ev.GetSessionId(), Handle: ev.GetHandleId()}, OpaqueID: ev.GetOpaqueId(), Plugin: acting.Plugin,
	}
	switch kind := ev.GetKind().(type) {
	case *busv1.Event_Plugin:
		if jsep := kind.Plugin.GetJsep(); jsep != nil {
			e.Emit(of(h, events.JSEP, 0, description("local", jsep)))
		}
	case *busv1.Event_WebrtcUp:
		e.Emit(of(h, events.WebRTC, events.Connection, events.Object{"connection": "webrtcup"}))
	case *busv1.Event_Hangup:
		e.Emit(of(h, events.WebRTC, events.Connection, events.Object{"connection": "hangup", "reason": kind.Hangup.GetReason()}))
	case *busv1.Event_Media:
		e.Emit(of(h, events.Media, events.MediaState, mediaState(kind.Media)))
	case *busv1.Event_SlowLink:
		direction := "downlink"
		if kind.SlowLink.GetUplink() {
			direction = "uplink"
		}
		e.Emit(of(h, events.Media, events.SlowLink, events.Object{
			"mid": kind.SlowLink.GetMid(), "media": kind.SlowLink.GetMedia(), "slow_link": direction, "lost_lastsec": kind.SlowLink.GetLost(),
		}))
	case *busv1.Event_Detached:
		if acting.ID == h.ID && ev.GetNumber() > 0 { // of a session that has ended, they have been told
			e.Emit(handle("detached", h))
		}
	}
}

func mediaState(m *busv1.PeerEvent_MediaState) events.Object {
	body := events.Object{"media": m.GetType(), "mid": m.GetMid(), "receiving": m.GetReceiving()}
	if m.Substream != nil {
		body["substream"] = m.GetSubstream()
	}
	if m.GetSeconds() > 1 {
		body["seconds"] = m.GetSeconds()
	}
	return body
}

func of(h *plugin.Handle, t events.Type, subtype int, body any) events.Event {
	return events.Event{Type: t, Subtype: subtype, SessionID: h.ID.Session, HandleID: h.ID.Handle, OpaqueID: h.OpaqueID, Event: body}
}

func description(owner string, jsep *busv1.Jsep) events.Object {
	return events.Object{"owner": owner, "jsep": events.Object{"type": jsep.GetType(), "sdp": jsep.GetSdp()}}
}

// mostCandidates bounds those told of one message: an SDP may hold any number.
const mostCandidates = 32

// candidatesOf are those in an SDP, without "candidate:".
func candidatesOf(sdp string) []string {
	var all []string
	for line := range strings.Lines(sdp) {
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "a=candidate:"); ok && len(all) < mostCandidates {
			all = append(all, c)
		}
	}
	return all
}

// Trickled tells of candidates that came by themselves.
func Trickled(e *events.Emitter, h *plugin.Handle, t *busv1.Trickle) {
	if !e.Wants(events.WebRTC) {
		return
	}
	var all []string
	for _, text := range t.GetCandidates() {
		var c struct {
			Candidate string `json:"candidate"`
		}
		if json.Unmarshal([]byte(text), &c) == nil && c.Candidate != "" && len(all) < mostCandidates {
			all = append(all, strings.TrimPrefix(c.Candidate, "candidate:"))
		}
	}
	remoteCandidates(e, h, all)
}

func remoteCandidates(e *events.Emitter, h *plugin.Handle, candidates []string) {
	for _, c := range candidates {
		e.Emit(of(h, events.WebRTC, events.RemoteCandidate, events.Object{"remote-candidate": c, "stream_id": 1, "component_id": 1}))
	}
}
