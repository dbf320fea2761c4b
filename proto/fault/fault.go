// Package fault names what can go wrong across a service border, so that each side can branch on it.
//
// An error that crosses a border carries a Reason. Each border converts in one place: gRPC here, NATS replies in
// package bus, Janus codes in signaling's janus package.
package fault

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Reason is what a caller may branch on. It is a string on the wire, so that an older service can pass a newer one on.
type Reason string

// The reasons. Codes in brackets are Janus's (spec/janus-api.md, section 4).
const (
	Internal         Reason = "Internal"         // ours to mend (490)
	SessionNotFound  Reason = "SessionNotFound"  // (458)
	HandleNotFound   Reason = "HandleNotFound"   // (459)
	SessionIDInUse   Reason = "SessionIDInUse"   // (468)
	PluginNotFound   Reason = "PluginNotFound"   // (460)
	AttachRefused    Reason = "AttachRefused"    // by the plugin, or a limit (461)
	MessageRefused   Reason = "MessageRefused"   // the plugin gave up on a message (462)
	InvalidSDP       Reason = "InvalidSDP"       // (465)
	UnexpectedAnswer Reason = "UnexpectedAnswer" // no offer of ours is open (469)
	WrongState       Reason = "WrongState"       // of the PeerConnection (471)
	BadTrickle       Reason = "BadTrickle"       // the edge knows what is wrong with it (456, 466, 467)
	NoSuchPeer       Reason = "NoSuchPeer"       // a node does not have it, or has a newer one
	NoSuchFeed       Reason = "NoSuchFeed"       // a node does not have it
	NodeUnavailable  Reason = "NodeUnavailable"  // none there, none has room, or it is draining: may be sent again (490)
	Unauthorized     Reason = "Unauthorized"     // wrong or missing secret or token (403)
	NotAccepting     Reason = "NotAccepting"     // no new sessions for now (472)
	PluginForbidden  Reason = "PluginForbidden"  // to the token (405)
	TokenNotFound    Reason = "TokenNotFound"    // (470)
	BadRequest       Reason = "BadRequest"       // of the Admin API: the words say what is wrong (490)
	BadElement       Reason = "BadElement"       // of a request: the words say which (467)
	TooBusy          Reason = "TooBusy"          // a limit of ours was met: may be sent again (490)
)

// grpcCodes has every Reason; a test walks it.
var grpcCodes = map[Reason]codes.Code{
	Internal:         codes.Internal,
	SessionNotFound:  codes.NotFound,
	HandleNotFound:   codes.NotFound,
	SessionIDInUse:   codes.AlreadyExists,
	PluginNotFound:   codes.NotFound,
	AttachRefused:    codes.FailedPrecondition,
	MessageRefused:   codes.FailedPrecondition,
	InvalidSDP:       codes.InvalidArgument,
	UnexpectedAnswer: codes.FailedPrecondition,
	WrongState:       codes.FailedPrecondition,
	BadTrickle:       codes.InvalidArgument,
	NoSuchPeer:       codes.NotFound,
	NoSuchFeed:       codes.NotFound,
	NodeUnavailable:  codes.Unavailable,
	Unauthorized:     codes.PermissionDenied,
	NotAccepting:     codes.Unavailable,
	PluginForbidden:  codes.PermissionDenied,
	TokenNotFound:    codes.NotFound,
	BadRequest:       codes.FailedPrecondition,
	BadElement:       codes.InvalidArgument,
	TooBusy:          codes.ResourceExhausted,
}

// Reasons lists all of them, in no order.
func Reasons() []Reason {
	all := make([]Reason, 0, len(grpcCodes))
	for r := range grpcCodes {
		all = append(all, r)
	}
	return all
}

// Error carries a Reason, words that an endpoint may see, and a cause that only the log may see.
type Error struct {
	Reason Reason
	Text   string // may be empty: the border that shows it has words of its own
	Cause  error  // may be nil
}

func (e *Error) Error() string {
	switch {
	case e.Cause != nil && e.Text != "":
		return fmt.Sprintf("%s: %s: %v", e.Reason, e.Text, e.Cause)
	case e.Cause != nil:
		return fmt.Sprintf("%s: %v", e.Reason, e.Cause)
	case e.Text != "":
		return fmt.Sprintf("%s: %s", e.Reason, e.Text)
	}
	return string(e.Reason)
}

func (e *Error) Unwrap() error { return e.Cause }

// New gives cause a reason. The endpoint sees the border's own words.
func New(r Reason, cause error) error { return &Error{Reason: r, Cause: cause} }

// Newf gives words that the endpoint sees.
func Newf(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Text: fmt.Sprintf(format, args...)}
}

// Of returns the Reason that err carries: Internal for an error without one, empty for nil.
func Of(err error) Reason {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return Internal
}

// Text returns the endpoint's words in err, or the empty string.
func Text(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Text
	}
	return ""
}

const domain = "cardea"

// ToStatus makes err what a gRPC handler returns. A cause does not cross the border.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	r := Of(err)
	code, ok := grpcCodes[r]
	if !ok {
		code = codes.Unknown
	}
	st, detailErr := status.New(code, Text(err)).WithDetails(&errdetails.ErrorInfo{Reason: string(r), Domain: domain})
	if detailErr != nil { // only for codes.OK
		return status.Error(code, Text(err))
	}
	return st.Err()
}

// FromStatus is the way back. A gRPC error without a Reason of ours is NodeUnavailable if the call may be tried
// again, else Internal.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		return New(Internal, err)
	}
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return &Error{Reason: Reason(info.GetReason()), Text: st.Message()}
		}
	}
	switch st.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return New(NodeUnavailable, err)
	}
	return New(Internal, err)
}
