package janus

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// AdminRequest is a request of the Admin API whose envelope is sound (spec/janus-api.md, section 7).
type AdminRequest struct{ Request }

// parameter is a member that a request may or must have.
type parameter struct {
	name, kind string // kind as Janus's errors call it
	required   bool
}

// adminVerb is a request at one level: global, of a session or of a handle.
type adminVerb struct {
	parameters []parameter
	command    func() *busv1.Command // nil: an Admin of that name
}

func must(name, kind string) parameter { return parameter{name, kind, true} }
func may(name, kind string) parameter  { return parameter{name, kind, false} }

const (
	aString   = "a string"
	aBool     = "a boolean"
	aNatural  = "a positive integer"
	anInteger = "an integer"
	anObject  = "an object"
	anArray   = "an array"
	someArray = "a non-empty array"
)

func asks(parameters ...parameter) adminVerb { return adminVerb{parameters: parameters} }

var globalVerbs = map[string]adminVerb{
	"get_status":          asks(),
	"set_session_timeout": asks(must("timeout", aNatural)),
	"set_log_level":       asks(must("level", aNatural)),
	"accept_new_sessions": asks(must("accept", aBool)),
	"list_sessions":       asks(may("details", aBool)),
	"message_plugin":      asks(must("plugin", aString), may("request", anObject)),
	"resolve_address":     asks(must("address", aString)),
	"loops_info":          asks(),
	"add_token":           asks(must("token", aString), may("plugins", anArray)),
	"allow_token":         asks(must("token", aString), must("plugins", someArray)),
	"disallow_token":      asks(must("token", aString), must("plugins", someArray)),
	"list_tokens":         asks(),
	"remove_token":        asks(must("token", aString)),
	"list_nodes":          asks(),
	"list_rooms":          asks(),
	"room_info":           asks(must("room", aString), may("plugin", aString)),
	"drain_node":          asks(must("node", aString), may("deadline", aNatural)),
	"undrain_node":        asks(must("node", aString)),

	"reset_media_settings": asks(),

	"set_locking_debug":      asks(must("debug", aBool)),
	"set_refcount_debug":     asks(must("debug", aBool)),
	"set_log_timestamps":     asks(must("timestamps", aBool)),
	"set_log_colors":         asks(must("colors", aBool)),
	"set_min_nack_queue":     asks(must("min_nack_queue", aNatural)),
	"set_nack_optimizations": asks(must("nack_optimizations", aBool)),
	"set_no_media_timer":     asks(must("no_media_timer", aNatural)),
	"set_slowlink_threshold": asks(must("slowlink_threshold", aNatural)),

	"query_transport":    asks(must("transport", aString), may("request", anObject)),
	"query_eventhandler": asks(must("handler", aString), may("request", anObject)),
	"query_logger":       asks(must("logger", aString), may("request", anObject)),
	"custom_event":       asks(must("schema", aString), must("data", anObject)),
	"custom_logline":     asks(must("line", aString), may("level", aNatural)),
	"test_stun":          asks(must("address", aString), must("port", aNatural), may("localport", aNatural)),
}

var sessionVerbs = map[string]adminVerb{
	"list_handles":        asks(),
	"set_session_timeout": asks(must("timeout", anInteger)),
	"destroy_session": {command: func() *busv1.Command {
		return &busv1.Command{Verb: &busv1.Command_Destroy{Destroy: &busv1.Destroy{ByAdmin: true}}}
	}},
}

var handleVerbs = map[string]adminVerb{
	"handle_info": asks(may("plugin_only", aBool)),
	"start_pcap":  asks(may("folder", aString), may("filename", aString), may("truncate", aNatural)),
	"stop_pcap":   asks(),
	"move_handle": asks(may("node", aString)),

	"start_text2pcap": asks(may("folder", aString), may("filename", aString), may("truncate", aNatural)),
	"stop_text2pcap":  asks(),
	"detach_handle": {command: func() *busv1.Command {
		return &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{ByAdmin: true}}}
	}},
	"hangup_webrtc": {command: func() *busv1.Command {
		return &busv1.Command{Verb: &busv1.Command_Hangup{Hangup: &busv1.Hangup{ByAdmin: true}}}
	}},
}

// Known returns the request's name if it is one of the Admin API at its level, else "unknown". What an edge answers by itself has
// no command of roomstate's, so it counts too.
func (r *AdminRequest) Known() string {
	verbs := handleVerbs
	switch {
	case r.Global() && (r.Name == "info" || r.Name == "ping"):
		return r.Name
	case r.Global():
		verbs = globalVerbs
	case r.HandleID == 0:
		verbs = sessionVerbs
	}
	if _, ok := verbs[r.Name]; ok {
		return r.Name
	}
	return "unknown"
}

// ParseAdmin reads the envelope of a request of the Admin API, whose ids may be in the path: 0 for none there. On error
// the request holds what an error response repeats.
func ParseAdmin(message []byte, session, handle uint64) (AdminRequest, *Error) {
	value, err := oneObject(message)
	if err != nil {
		return AdminRequest{}, err
	}
	r := AdminRequest{}
	if json.Unmarshal(value, &r.fields) != nil {
		return AdminRequest{}, httpJSON("unreadable")
	}
	if err := r.fields.merge("session_id", "session ID", session); err != nil {
		return AdminRequest{}, err
	}
	if err := r.fields.merge("handle_id", "handle ID", handle); err != nil {
		return AdminRequest{}, err
	}
	r.SessionID, r.HandleID = r.fields.id("session_id"), r.fields.id("handle_id")
	transaction, err := r.fields.mandatoryString("transaction")
	if err != nil {
		return r, err
	}
	if r.asSent, err = r.fields.mandatoryString("janus"); err != nil {
		return r, err
	}
	r.Transaction, r.Name, r.sound = transaction, strings.ToLower(r.asSent), true
	if raw, given := r.fields["handle_id"]; r.SessionID == 0 && r.HandleID != 0 || given && r.HandleID == 0 && string(raw) != "null" {
		return r, newError(CodeSessionNotFound, "")
	}
	return r, nil
}

// AdminSecret returns what the request has for one; a wrong type is a wrong secret.
func (r *AdminRequest) AdminSecret() string { return r.fields.text("admin_secret") }

// Global tells whether the request is about no session.
func (r *AdminRequest) Global() bool { return r.SessionID == 0 }

// Command makes the request a command without an id.
func (r *AdminRequest) Command() (*busv1.Command, *Error) {
	verbs := globalVerbs
	switch {
	case r.HandleID != 0:
		verbs = handleVerbs
	case r.SessionID != 0:
		verbs = sessionVerbs
	}
	verb, ok := verbs[r.Name]
	if !ok {
		return nil, r.wrongPath()
	}
	parameters := fields{}
	for _, p := range verb.parameters {
		raw, given := r.fields[p.name]
		switch {
		case !given && p.required && p.kind == someArray: // as Janus says it
			return nil, wrongType(p.name, p.kind)
		case !given && p.required:
			return nil, missing(p.name)
		case !given:
			continue
		case p.kind == someArray && !r.fields.is(p.name, anArray):
			return nil, wrongType(p.name, anArray)
		case !r.fields.is(p.name, p.kind):
			return nil, wrongType(p.name, p.kind)
		}
		parameters[p.name] = raw
	}
	if r.Name == "set_log_level" {
		if err := parameters.level(); err != nil {
			return nil, err
		}
	}
	if verb.command != nil {
		cmd := verb.command()
		cmd.SessionId, cmd.HandleId = r.SessionID, r.HandleID
		return cmd, nil
	}
	data, err := json.Marshal(parameters)
	if err != nil {
		return nil, httpJSON("unreadable")
	}
	return &busv1.Command{
		SessionId: r.SessionID, HandleId: r.HandleID,
		Verb: &busv1.Command_Admin{Admin: &busv1.Admin{Request: r.Name, Parameters: data}},
	}, nil
}

// is tells whether a member that is there is of a kind.
func (f fields) is(name, kind string) bool {
	raw := f[name]
	var err *Error
	switch kind {
	case aString:
		_, err = f.optionalString(name)
	case aBool:
		_, err = f.optionalBool(name)
	case aNatural:
		_, err = f.optionalUint(name)
	case anInteger:
		var n int64
		return json.Unmarshal(raw, &n) == nil && string(raw) != "null"
	case anObject:
		return raw[0] == '{'
	case anArray, someArray:
		var list []json.RawMessage
		return raw[0] == '[' && json.Unmarshal(raw, &list) == nil && (kind == anArray || len(list) > 0)
	}
	return err == nil
}

// StoresTokens tells whether a request is about stored tokens.
func (r *AdminRequest) StoresTokens() bool {
	_, known := globalVerbs[r.Name]
	return known && r.Global() && strings.Contains(r.Name, "_token")
}

// logLevels are the numbers that Janus has for levels of its log.
const logLevels = 7

// level checks the one that a request sets.
func (f fields) level() *Error {
	if n, err := f.optionalUint("level"); err != nil || n > logLevels {
		return newError(CodeInvalidElementType, "Invalid element type (level should be between 0 and %d)", logLevels)
	}
	return nil
}

// NoStoredTokens is the answer to such a request where tokens are not stored.
func NoStoredTokens() *Error {
	return newError(CodeUnknown, "Stored-Token based authentication disabled")
}

// unnumbered are the requests about a handle whose answer does not repeat the session's id, at Janus.
var unnumbered = map[string]bool{"start_pcap": true, "stop_pcap": true, "start_text2pcap": true, "stop_text2pcap": true}

// AdminSuccess answers an administrator's request with the members of an object, nil for none.
func (r *AdminRequest) AdminSuccess(members map[string]any) ([]byte, error) {
	all := map[string]any{"janus": "success", "transaction": r.Transaction}
	if r.SessionID != 0 && !unnumbered[r.Name] {
		all["session_id"] = r.SessionID
	}
	maps.Copy(all, members)
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return b, nil
}
