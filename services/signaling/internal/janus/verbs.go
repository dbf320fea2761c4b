package janus

import (
	"encoding/json"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// level says what a verb is about, and so which ids it needs.
type level int

const (
	sessionLevel level = iota // a handle is tolerated
	sessionOnly               // a handle is an error
	handleLevel
)

// verb is how a request becomes a command.
type verb struct {
	level level
	fill  func(f fields, cmd *busv1.Command) *Error
}

var verbs = map[string]verb{
	"keepalive": {sessionLevel, func(_ fields, c *busv1.Command) *Error {
		c.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
		return nil
	}},
	"claim": {sessionLevel, func(_ fields, c *busv1.Command) *Error {
		c.Verb = &busv1.Command_Claim{Claim: &busv1.Claim{}}
		return nil
	}},
	"destroy": {sessionOnly, func(_ fields, c *busv1.Command) *Error {
		c.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
		return nil
	}},
	"hangup": {handleLevel, func(_ fields, c *busv1.Command) *Error {
		c.Verb = &busv1.Command_Hangup{Hangup: &busv1.Hangup{}}
		return nil
	}},
	"detach": {handleLevel, func(_ fields, c *busv1.Command) *Error {
		c.Verb = &busv1.Command_Detach{Detach: &busv1.Detach{}}
		return nil
	}},
	"attach":  {sessionOnly, fillAttach},
	"message": {handleLevel, fillMessage},
	"trickle": {handleLevel, fillTrickle},
}

// Command makes the request a command about its session and handle. If the request is unsound the command is a
// Touch, which refreshes the session's timer and tells whether the ids exist: only if they do is the error to be
// sent (steps 6 to 8 of spec/janus-api.md, section 2.2). A Trickle with candidates that are none is sent as
// malformed, since it is an error only once the handle has negotiated (section 2.6). The command has no id and no
// socket yet.
func (r *Request) Command() (*busv1.Command, *Error) {
	cmd := &busv1.Command{SessionId: r.SessionID, HandleId: r.HandleID, Transaction: r.Transaction}
	v, ok := verbs[r.Name]
	var err *Error
	switch {
	case !ok:
		err = newError(CodeUnknownRequest, "Unknown request '%s'", r.asSent)
	case v.level == sessionOnly && r.HandleID != 0, v.level == handleLevel && r.HandleID == 0:
		err = r.wrongPath()
	default:
		err = v.fill(r.fields, cmd)
	}
	if err != nil && cmd.Verb == nil {
		cmd.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
	}
	return cmd, err
}

// ChosenID returns the session id that a create asks for, 0 for any.
func (r *Request) ChosenID() uint64 {
	return r.fields.id("id")
}

func fillAttach(f fields, cmd *busv1.Command) *Error {
	plugin, err := f.mandatoryString("plugin")
	if err != nil {
		return err
	}
	opaque, err := f.optionalString("opaque_id")
	if err != nil {
		return err
	}
	if _, err := f.optionalUint("loop_index"); err != nil {
		return err
	}
	cmd.Verb = &busv1.Command_Attach{Attach: &busv1.Attach{Plugin: plugin, OpaqueId: opaque}}
	return nil
}

func fillMessage(f fields, cmd *busv1.Command) *Error {
	body, ok := f["body"]
	if !ok {
		return missing("body")
	}
	if body[0] != '{' {
		return wrongType("body", "an object")
	}
	message := &busv1.Message{Body: body}
	if raw, ok := f["jsep"]; ok {
		jsep, err := parseJSEP(raw)
		if err != nil {
			return err
		}
		message.Jsep = jsep
	}
	cmd.Verb = &busv1.Command_Message{Message: message}
	return nil
}

func parseJSEP(raw json.RawMessage) (*busv1.Jsep, *Error) {
	var f fields
	if raw[0] != '{' || json.Unmarshal(raw, &f) != nil {
		return nil, newError(CodeInvalidJSONObject, "Invalid jsep object")
	}
	jsep, err := readJSEP(f)
	if err != nil {
		if err.Code == CodeMissingElement || err.Code == CodeInvalidElementType {
			err.Reason = "JSEP error: " + strings.ToLower(err.Reason[:1]) + err.Reason[1:]
		}
		return nil, err
	}
	return jsep, nil
}

func readJSEP(f fields) (*busv1.Jsep, *Error) {
	var jsep busv1.Jsep
	var err *Error
	var ridOrder string
	for _, step := range []func(){
		func() { jsep.Type, err = f.mandatoryString("type") },
		func() { jsep.Sdp, err = f.mandatoryString("sdp") },
		func() { _, err = f.optionalBool("trickle") },
		func() { ridOrder, err = f.optionalString("rid_order") },
		func() { _, err = f.optionalBool("force_relay") },
		func() { jsep.E2Ee, err = f.optionalBool("e2ee") },
	} {
		if step(); err != nil {
			return nil, err
		}
	}
	asSent := jsep.GetType()
	jsep.Type = strings.ToLower(asSent)
	if jsep.GetType() != "offer" && jsep.GetType() != "answer" {
		return nil, newError(CodeJSEPUnknownType, "JSEP error: unknown message type '%s'", asSent)
	}
	jsep.LowestRidFirst = ridOrder == "lmh"
	jsep.Svc = readSVC(f["svc"])
	if err := checkSDP(jsep.GetSdp()); err != nil {
		return nil, err
	}
	return &jsep, nil
}

// readSVC reads what janus.js says of scalability modes; what is malformed is ignored, as at Janus.
func readSVC(raw json.RawMessage) []*busv1.Jsep_Svc {
	var entries []struct {
		Mid string `json:"mid"`
		SVC string `json:"svc"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &entries) != nil {
		return nil
	}
	var out []*busv1.Jsep_Svc
	for _, e := range entries {
		out = append(out, &busv1.Jsep_Svc{Mid: e.Mid, Mode: e.SVC})
	}
	return out
}

func fillTrickle(f fields, cmd *busv1.Command) *Error {
	one, hasOne := f["candidate"]
	many, hasMany := f["candidates"]
	trickle := &busv1.Trickle{}
	malformed := func(err *Error) *Error {
		cmd.Verb = &busv1.Command_Trickle{Trickle: &busv1.Trickle{Malformed: true}}
		return err
	}
	switch {
	case !hasOne && !hasMany:
		return missing("candidate|candidates")
	case hasOne && hasMany:
		return newError(CodeInvalidJSON, "Can't have both candidate and candidates")
	case hasOne:
		if err := addCandidate(trickle, one); err != nil {
			return malformed(err)
		}
	default:
		var list []json.RawMessage
		if many[0] != '[' || json.Unmarshal(many, &list) != nil {
			return malformed(newError(CodeInvalidElementType, "candidates is not an array"))
		}
		for _, c := range list {
			_ = addCandidate(trickle, c) // errors in elements are ignored, as at Janus
		}
	}
	cmd.Verb = &busv1.Command_Trickle{Trickle: trickle}
	return nil
}

// addCandidate reads one candidate, or the end of candidates: anything that is no object, or that has a member
// "completed" of any value.
func addCandidate(t *busv1.Trickle, raw json.RawMessage) *Error {
	var f fields
	if raw[0] != '{' || json.Unmarshal(raw, &f) != nil {
		t.Completed = true
		return nil
	}
	if _, ok := f["completed"]; ok {
		t.Completed = true
		return nil
	}
	_, hasMid := f["sdpMid"]
	_, hasIndex := f["sdpMLineIndex"]
	if !hasMid && !hasIndex {
		return newError(CodeMissingElement, "Trickle error: missing mandatory element (sdpMid or sdpMLineIndex)")
	}
	if _, err := f.optionalString("sdpMid"); err != nil {
		return trickleType("sdpMid", "a string")
	}
	if _, err := f.optionalUint("sdpMLineIndex"); err != nil {
		return trickleType("sdpMLineIndex", "a positive integer")
	}
	if _, ok := f["candidate"]; !ok {
		return newError(CodeMissingElement, "Trickle error: missing mandatory element (candidate)")
	}
	if _, err := f.optionalString("candidate"); err != nil {
		return trickleType("candidate", "a string")
	}
	t.Candidates = append(t.Candidates, string(raw))
	return nil
}

func trickleType(name, want string) *Error {
	return newError(CodeInvalidElementType, "Trickle error: invalid element type (%s should be %s)", name, want)
}

// KnownName returns name if it is a request of the Janus API, else "unknown".
func KnownName(name string) string {
	if _, ok := verbs[name]; ok || name == "create" || name == "info" || name == "ping" {
		return name
	}
	return "unknown"
}
