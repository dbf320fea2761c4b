package janus

import (
	"errors"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// Code is a Janus core error code (spec/janus-api.md, section 4).
type Code int

// The codes that an edge sends.
const (
	CodeUnauthorized       Code = 403
	CodePluginForbidden    Code = 405
	CodeTransport          Code = 450
	CodeUnknownRequest     Code = 453
	CodeInvalidJSON        Code = 454
	CodeInvalidJSONObject  Code = 455
	CodeMissingElement     Code = 456
	CodeInvalidPath        Code = 457
	CodeSessionNotFound    Code = 458
	CodeHandleNotFound     Code = 459
	CodePluginNotFound     Code = 460
	CodePluginAttach       Code = 461
	CodePluginMessage      Code = 462
	CodeJSEPUnknownType    Code = 464
	CodeJSEPInvalidSDP     Code = 465
	CodeInvalidElementType Code = 467
	CodeSessionConflict    Code = 468
	CodeUnexpectedAnswer   Code = 469
	CodeTokenNotFound      Code = 470
	CodeWrongWebRTCState   Code = 471
	CodeNotAccepting       Code = 472
	CodeUnknown            Code = 490
)

// generic has the words for a code when there are none of its own.
var generic = map[Code]string{
	CodeUnauthorized:       "Unauthorized request (wrong or missing secret/token)",
	CodePluginForbidden:    "Unauthorized access to plugin (token is not allowed to)",
	CodeTransport:          "Transport specific error",
	CodeUnknownRequest:     "Unknown request",
	CodeInvalidJSON:        "Invalid JSON",
	CodeInvalidJSONObject:  "Invalid JSON Object",
	CodeMissingElement:     "Missing mandatory element",
	CodeInvalidPath:        "Invalid path for this request",
	CodeSessionNotFound:    "Session not found",
	CodeHandleNotFound:     "Handle not found",
	CodePluginNotFound:     "Plugin not found",
	CodePluginAttach:       "Error attaching plugin",
	CodePluginMessage:      "Error sending message to plugin",
	CodeJSEPUnknownType:    "Unsupported JSEP type",
	CodeJSEPInvalidSDP:     "Invalid SDP",
	CodeInvalidElementType: "Invalid element type",
	CodeSessionConflict:    "Session ID already in use",
	CodeUnexpectedAnswer:   "Unexpected ANSWER (no OFFER)",
	CodeTokenNotFound:      "Token not found",
	CodeWrongWebRTCState:   "Wrong WebRTC state",
	CodeNotAccepting:       "Currently not accepting new sessions",
	CodeUnknown:            "Unknown error",
}

// Error is what an error response says.
type Error struct {
	Code   Code   `json:"code"`
	Reason string `json:"reason"`
}

func (e *Error) Error() string { return e.Reason }

// codes has Janus's code for every fault.Reason; a test walks it.
var codes = map[fault.Reason]Code{
	fault.Internal:         CodeUnknown,
	fault.SessionNotFound:  CodeSessionNotFound,
	fault.HandleNotFound:   CodeHandleNotFound,
	fault.SessionIDInUse:   CodeSessionConflict,
	fault.PluginNotFound:   CodePluginNotFound,
	fault.AttachRefused:    CodePluginAttach,
	fault.MessageRefused:   CodePluginMessage,
	fault.InvalidSDP:       CodeJSEPInvalidSDP,
	fault.UnexpectedAnswer: CodeUnexpectedAnswer,
	fault.WrongState:       CodeWrongWebRTCState,
	fault.BadTrickle:       CodeInvalidElementType,
	fault.NoSuchPeer:       CodeWrongWebRTCState,
	fault.NoSuchFeed:       CodeUnknown,
	fault.NodeUnavailable:  CodeUnknown,
	fault.Unauthorized:     CodeUnauthorized,
	fault.NotAccepting:     CodeNotAccepting,
	fault.PluginForbidden:  CodePluginForbidden,
	fault.TokenNotFound:    CodeTokenNotFound,
	fault.BadRequest:       CodeUnknown,
	fault.BadElement:       CodeInvalidElementType,
	fault.TooBusy:          CodeUnknown,
}

// FromFault says err in Janus's words. What an endpoint must not see is left out.
func FromFault(err error) *Error {
	if errors.Is(err, bus.ErrTooLarge) {
		return newError(CodeTransport, "Message too large")
	}
	reason := fault.Of(err)
	code, ok := codes[reason]
	if !ok {
		code = CodeUnknown
	}
	e := newError(code, "")
	switch text := fault.Text(err); {
	case text != "":
		e.Reason = kept(text)
	case reason == fault.NodeUnavailable:
		e.Reason = "Service unavailable, try again"
	case reason == fault.TooBusy:
		e.Reason = "Too many requests, try again"
	}
	return e
}

// TooMany says that a limit of this edge was met.
func TooMany(what string) *Error { return newError(CodeUnknown, "Too many %s", what) }
