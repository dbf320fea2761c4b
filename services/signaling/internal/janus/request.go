// Package janus is the Janus API on the wire: what requests may look like, in which order they are checked, and
// how answers, errors and events are written (spec/janus-api.md). It knows no socket and no session.
package janus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Request is one Janus API request whose envelope is sound: steps 1 to 4 of spec/janus-api.md, section 2.2.
type Request struct {
	Name        string // in lower case: names are matched without regard to it
	Transaction string // may be empty
	SessionID   uint64 // 0 if there is none
	HandleID    uint64 // 0 if there is none

	asSent string // the name, for error texts
	sound  bool   // the envelope is, so that answers repeat the transaction
	fields fields
}

// fields are an object's members, undecoded.
type fields map[string]json.RawMessage

// maxObjects bounds how many requests one message may hold.
const maxObjects = 64

// Split cuts a message into the JSON values that it holds, one after another. If any is not JSON as Janus takes
// it, it returns a 454 and no value, since then none of them is to run.
func Split(message []byte) ([]json.RawMessage, *Error) {
	if !utf8.Valid(message) {
		return nil, invalidJSON("unable to decode byte: not UTF-8")
	}
	var values []json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(message))
	for {
		var value json.RawMessage
		err := dec.Decode(&value)
		switch {
		case errors.Is(err, io.EOF) && len(values) > 0:
			return values, nil
		case errors.Is(err, io.EOF):
			return nil, invalidJSON("'[' or '{' expected near end of file")
		case err != nil:
			return nil, invalidJSON(strings.TrimPrefix(err.Error(), "json: "))
		case value[0] != '{' && value[0] != '[':
			return nil, invalidJSON("'[' or '{' expected near '" + shorten(string(value)) + "'")
		case len(values) == maxObjects:
			return nil, invalidJSON("too many objects in one message")
		}
		if err := checkScalars(value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}

const invalidPrefix = "Invalid Janus API request - <string>: "

func invalidJSON(text string) *Error {
	return newError(CodeInvalidJSON, invalidPrefix+"%s", text)
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// Parse reads the envelope of one value from Split. On error the Request holds what an error response repeats: the
// session id, and, once the mandatory elements are there, the transaction.
func Parse(value json.RawMessage) (Request, *Error) {
	if value[0] != '{' {
		return Request{}, missing("transaction")
	}
	var members fields
	if err := json.Unmarshal(value, &members); err != nil {
		return Request{}, invalidJSON(err.Error())
	}
	return parseFields(members)
}

func parseFields(members fields) (Request, *Error) {
	r := Request{fields: members}
	r.SessionID = r.fields.id("session_id")
	r.HandleID = r.fields.id("handle_id")
	transaction, err := r.fields.mandatoryString("transaction")
	if err != nil {
		return r, err
	}
	if r.asSent, err = r.fields.mandatoryString("janus"); err != nil {
		return r, err
	}
	if _, err := r.fields.optionalUint("id"); err != nil {
		return r, err
	}
	r.Transaction, r.sound = transaction, true
	r.Name = strings.ToLower(r.asSent)

	handle, handleGiven := r.fields["handle_id"]
	handleGiven = handleGiven && string(handle) != "null"
	switch {
	case r.SessionID == 0 && r.HandleID == 0:
		if r.Name != "create" && r.Name != "info" && r.Name != "ping" {
			return r, r.wrongPath()
		}
	case r.SessionID == 0:
		return r, newError(CodeSessionNotFound, "")
	case handleGiven && r.HandleID == 0:
		return r, newError(CodeHandleNotFound, "")
	}
	return r, nil
}

func (r *Request) wrongPath() *Error {
	return newError(CodeInvalidPath, "Unhandled request '%s' at this path", r.asSent)
}

// id reads an id: anything but an integer counts as absent, and a negative one as Janus's C does.
func (f fields) id(name string) uint64 {
	n, err := strconv.ParseInt(string(f[name]), 10, 64)
	if err != nil {
		return 0
	}
	return uint64(n)
}

func missing(name string) *Error {
	return newError(CodeMissingElement, "Missing mandatory element (%s)", name)
}

func wrongType(name, want string) *Error {
	return newError(CodeInvalidElementType, "Invalid element type (%s should be %s)", name, want)
}

func (f fields) mandatoryString(name string) (string, *Error) {
	if _, ok := f[name]; !ok {
		return "", missing(name)
	}
	return f.optionalString(name)
}

func (f fields) optionalString(name string) (string, *Error) {
	raw, ok := f[name]
	if !ok {
		return "", nil
	}
	if raw[0] != '"' {
		return "", wrongType(name, "a string")
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", wrongType(name, "a string")
	}
	return s, nil
}

// optionalUint reads what Janus calls a positive integer, which includes 0.
func (f fields) optionalUint(name string) (uint64, *Error) {
	raw, ok := f[name]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 0 {
		return 0, wrongType(name, "a positive integer")
	}
	return uint64(n), nil
}

func (f fields) optionalBool(name string) (bool, *Error) {
	raw, ok := f[name]
	if !ok {
		return false, nil
	}
	switch string(raw) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, wrongType(name, "a boolean")
}

// Secret returns the request's apisecret; a wrong type is a wrong secret.
func (r *Request) Secret() string { return r.fields.text("apisecret") }

// Token returns the request's token; likewise.
func (r *Request) Token() string { return r.fields.text("token") }

// text reads a string; what is none counts as empty.
func (f fields) text(name string) string {
	s, err := f.optionalString(name)
	if err != nil {
		return ""
	}
	return s
}

// mostReason is how many bytes of a reason Janus keeps: much of it may be what the endpoint has sent.
const mostReason = 511

func kept(reason string) string {
	if len(reason) > mostReason {
		return strings.ToValidUTF8(reason[:mostReason], "")
	}
	return reason
}

func newError(code Code, format string, args ...any) *Error {
	e := &Error{Code: code, Reason: generic[code]}
	if format != "" {
		e.Reason = fmt.Sprintf(format, args...)
	}
	e.Reason = kept(e.Reason)
	return e
}
