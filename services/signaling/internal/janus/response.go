package janus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// response is every message that Janus sends, but for server_info.
type response struct {
	Janus       string      `json:"janus"`
	SessionID   int64       `json:"session_id,omitempty"` // signed: an endpoint may have sent a negative one
	Transaction *string     `json:"transaction,omitempty"`
	Sender      uint64      `json:"sender,omitempty"`
	Hint        string      `json:"hint,omitempty"`
	OpaqueID    string      `json:"opaque_id,omitempty"`
	Data        *idData     `json:"data,omitempty"`
	Error       *Error      `json:"error,omitempty"`
	PluginData  *pluginData `json:"plugindata,omitempty"`
	JSEP        *jsepData   `json:"jsep,omitempty"`
	Reason      *string     `json:"reason,omitempty"`
	Mid         *string     `json:"mid,omitempty"`
	Type        string      `json:"type,omitempty"`
	Media       string      `json:"media,omitempty"`
	Substream   *uint32     `json:"substream,omitempty"`
	Receiving   *bool       `json:"receiving,omitempty"`
	Seconds     uint32      `json:"seconds,omitempty"`
	Uplink      *bool       `json:"uplink,omitempty"`
	Lost        *uint32     `json:"lost,omitempty"`
	Candidate   *candidate  `json:"candidate,omitempty"`
}

// candidate is one of ours, in the form of RTCIceCandidateInit.
type candidate struct {
	Candidate     string `json:"candidate"`
	SDPMid        string `json:"sdpMid"`
	SDPMLineIndex uint32 `json:"sdpMLineIndex"`
}

type idData struct {
	ID uint64 `json:"id"`
}

type pluginData struct {
	Plugin string          `json:"plugin"`
	Data   json.RawMessage `json:"data"`
}

type jsepData struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
	E2EE bool   `json:"e2ee,omitempty"`
}

// encode writes r as Janus does: "/" and "<" as they are. Everything in it can be encoded, but for JSON of a
// plugin that is none: that is a fault of ours, and the endpoint is told so.
func (r response) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return response{
			Janus: "error", SessionID: r.SessionID, Transaction: r.Transaction,
			Error: newError(CodePluginMessage, "Plugin returned an invalid JSON response"),
		}.encode()
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// ErrorResponse answers r with an error. If the envelope lacked a mandatory element there is no transaction.
func (r *Request) ErrorResponse(err *Error) []byte {
	out := response{Janus: "error", SessionID: int64(r.SessionID), Error: err}
	if r.sound {
		out.Transaction = &r.Transaction
	}
	return out.encode()
}

// Pong answers a ping.
func (r *Request) Pong() []byte { return response{Janus: "pong", Transaction: &r.Transaction}.encode() }

// Created answers a create.
func (r *Request) Created(session uint64) []byte {
	return response{Janus: "success", Transaction: &r.Transaction, Data: &idData{session}}.encode()
}

// Attached answers an attach.
func (r *Request) Attached(handle uint64) []byte {
	return response{Janus: "success", SessionID: int64(r.SessionID), Transaction: &r.Transaction, Data: &idData{handle}}.encode()
}

// Success answers what has no more to say.
func (r *Request) Success() []byte {
	return response{Janus: "success", SessionID: int64(r.SessionID), Transaction: &r.Transaction}.encode()
}

// Ack answers what has no other answer.
func (r *Request) Ack() []byte { return r.AckOf("") }

// hints are what plugins have said in the ack of a message.
var hints = map[string]string{"janus.plugin.echotest": "I'm taking my time!"}

// AckOf answers a message to a plugin, which an event answers later.
func (r *Request) AckOf(plugin string) []byte {
	return response{Janus: "ack", SessionID: int64(r.SessionID), Transaction: &r.Transaction, Hint: hints[plugin]}.encode()
}

// PluginAnswer answers a synchronous message, with the handle's opaque id if that is to be told (opaqueid_in_api).
func (r *Request) PluginAnswer(p *busv1.PluginData, opaque bool) []byte {
	out := response{
		Janus: "success", SessionID: int64(r.SessionID), Transaction: &r.Transaction, Sender: r.HandleID,
		PluginData: &pluginData{p.GetPlugin(), p.GetData()},
	}
	if opaque {
		out.OpaqueID = p.GetOpaqueId()
	}
	return out.encode()
}

// Event writes e for the endpoint (spec/janus-api.md, section 3), or nil if it is not for the endpoint; opaque as in
// PluginAnswer. said is what Say has written of it, or nil.
func Event(e *busv1.Event, said *Said, opaque bool) []byte {
	if e.GetPlugin() != nil {
		if said == nil {
			said = Say(e)
		}
		if said != nil {
			return said.event(e, opaque)
		}
	}
	out := response{SessionID: int64(e.GetSessionId()), Sender: e.GetHandleId()}
	if opaque {
		out.OpaqueID = e.GetOpaqueId()
	}
	switch kind := e.GetKind().(type) {
	case *busv1.Event_Plugin:
		out.Janus = "event"
		if e.GetCommandId() != "" {
			out.Transaction = &e.Transaction
		}
		out.PluginData = &pluginData{kind.Plugin.GetPlugin(), kind.Plugin.GetData()}
		if j := kind.Plugin.GetJsep(); j != nil {
			out.JSEP = &jsepData{j.GetType(), j.GetSdp(), j.GetE2Ee()}
		}
	case *busv1.Event_WebrtcUp:
		out.Janus = "webrtcup"
	case *busv1.Event_Media:
		m := kind.Media
		out.Janus, out.Mid, out.Type, out.Substream = "media", &m.Mid, m.GetType(), m.Substream
		out.Receiving, out.Seconds = &m.Receiving, m.GetSeconds()
	case *busv1.Event_SlowLink:
		s := kind.SlowLink
		out.Janus, out.Mid, out.Media, out.Uplink, out.Lost = "slowlink", &s.Mid, s.GetMedia(), &s.Uplink, &s.Lost
	case *busv1.Event_Hangup:
		out.Janus, out.Reason = "hangup", &kind.Hangup.Reason
	case *busv1.Event_Candidate:
		c := kind.Candidate
		out.Janus, out.Candidate = "trickle", &candidate{c.GetCandidate(), c.GetSdpMid(), c.GetSdpMLineIndex()}
	case *busv1.Event_Detached:
		out.Janus = "detached"
	case *busv1.Event_TimedOut:
		out.Janus = "timeout"
	default:
		return nil
	}
	return out.encode()
}

// ServerInfo answers an info request with everything in parts, each a JSON object; later ones win. Event handlers are there if
// any part has them.
func (r *Request) ServerInfo(parts ...json.RawMessage) ([]byte, error) {
	all := map[string]any{}
	on, handlers := false, map[string]any{}
	for _, part := range parts {
		if err := json.Unmarshal(part, &all); err != nil {
			return nil, fmt.Errorf("server info: %w", err)
		}
		on = on || all["event_handlers"] == true
		if named, ok := all["events"].(map[string]any); ok {
			maps.Copy(handlers, named)
		}
	}
	all["event_handlers"], all["events"] = on, handlers
	all["janus"] = "server_info"
	all["transaction"] = r.Transaction
	return json.Marshal(all)
}
