// Package events makes the events that Janus gives to event handlers (spec/janus-api.md, section 8), and delivers those of
// this process: on a NATS subject, and by POST to an HTTP backend. Delivery is best effort, as at Janus: nobody waits for
// it, and what cannot be delivered is dropped and counted.
package events

import (
	"fmt"
	"strings"
)

// Type is what an event is about, a bit each, as on the wire.
type Type uint16

// The types.
const (
	Session   Type = 1
	Handle    Type = 2
	External  Type = 4
	JSEP      Type = 8
	WebRTC    Type = 16
	Media     Type = 32
	Plugin    Type = 64
	Transport Type = 128
	Core      Type = 256
)

// The subtypes of WebRTC, Media and Core; no other type has any.
const (
	ICEState        = 1
	LocalCandidate  = 2
	RemoteCandidate = 3
	SelectedPair    = 4
	DTLSState       = 5
	Connection      = 6

	MediaState = 1
	SlowLink   = 2
	Stats      = 3

	Startup  = 1
	Shutdown = 2
)

// Event is one event.
type Event struct {
	Emitter   string `json:"emitter"` // filled in by Emit
	Type      Type   `json:"type"`
	Subtype   int    `json:"subtype,omitempty"`
	Timestamp int64  `json:"timestamp"` // µs since 1970; filled in by Emit, if 0
	SessionID uint64 `json:"session_id,omitempty"`
	HandleID  uint64 `json:"handle_id,omitempty"`
	OpaqueID  string `json:"opaque_id,omitempty"`
	Event     any    `json:"event"`
}

// Object is the body of an event.
type Object = map[string]any

// Mask is which types are wanted.
type Mask Type

// all are the types by Janus's names for masks.
var all = map[string]Type{
	"sessions": Session, "handles": Handle, "external": External, "jsep": JSEP, "webrtc": WebRTC,
	"media": Media, "plugins": Plugin, "transports": Transport, "core": Core,
}

// ParseMask reads names of types, or all, or none.
func ParseMask(names []string) (Mask, error) {
	var m Mask
	for _, name := range names {
		switch name = strings.TrimSpace(name); name {
		case "all":
			for _, t := range all {
				m |= Mask(t)
			}
		case "none", "":
		default:
			t, ok := all[name]
			if !ok {
				return 0, fmt.Errorf("unknown kind of events %q", name)
			}
			m |= Mask(t)
		}
	}
	return m, nil
}

// Wants tells whether a type is in the mask.
func (m Mask) Wants(t Type) bool { return m&Mask(t) != 0 }
