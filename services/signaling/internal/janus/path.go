package janus

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FromPath reads a request that came over HTTP (spec/janus-api.md, section 9): one object, whose ids may be in the path
// instead, 0 for none there. On error the Request holds what an error response repeats.
func FromPath(body []byte, session, handle uint64) (Request, *Error) {
	value, err := oneObject(body)
	if err != nil {
		return Request{}, err
	}
	var members fields
	if json.Unmarshal(value, &members) != nil {
		return Request{}, httpJSON("unreadable")
	}
	if err := members.merge("session_id", "session ID", session); err != nil {
		return Request{}, err
	}
	if err := members.merge("handle_id", "handle ID", handle); err != nil {
		return Request{}, err
	}
	return parseFields(members)
}

// oneObject is Split for HTTP, whose texts differ.
func oneObject(body []byte) (json.RawMessage, *Error) {
	if !utf8.Valid(body) {
		return nil, httpJSON("unable to decode byte: not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil || value[0] != '{' && value[0] != '[' {
		return nil, httpJSON("'[' or '{' expected near '" + shorten(strings.TrimSpace(string(body))) + "'")
	}
	if rest := bytes.TrimSpace(body[dec.InputOffset():]); len(rest) > 0 {
		return nil, httpJSON("end of file expected near '" + string(rest[:1]) + "'")
	}
	if err := checkScalars(value); err != nil {
		return nil, httpJSON(strings.TrimPrefix(err.Reason, invalidPrefix))
	}
	if value[0] != '{' {
		return nil, newError(CodeInvalidJSONObject, "JSON error: not an object")
	}
	return value, nil
}

func httpJSON(text string) *Error {
	return newError(CodeInvalidJSON, "JSON error: on line 1: %s", text)
}

// merge puts an id of the path among the members; it may be there already, but not another.
func (f fields) merge(name, words string, id uint64) *Error {
	if id == 0 {
		return nil
	}
	if there := f.id(name); there != 0 && there != id {
		return newError(CodeInvalidPath, "Conflicting %s (payload and path)", words)
	}
	f[name] = json.RawMessage(strconv.FormatUint(id, 10))
	return nil
}

// BadMethod is the answer to an HTTP method that is none of the API's.
func BadMethod(method string) []byte {
	return (&Request{}).ErrorResponse(newError(CodeTransport, "Unsupported method %s", shorten(method)))
}

// NoPayload is the answer where there has to be a request.
func NoPayload() []byte {
	return (&Request{}).ErrorResponse(newError(CodeInvalidJSON, "Request payload missing"))
}

// Keepalive is what a long poll without events is answered with.
func Keepalive() []byte { return response{Janus: "keepalive"}.encode() }
