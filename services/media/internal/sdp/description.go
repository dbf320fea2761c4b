package sdp

import "errors"

// ErrInvalid means that an endpoint's SDP cannot be used. What it wraps says why, and may be shown to the endpoint.
var ErrInvalid = errors.New("invalid SDP")

// Kind is what an m= section carries.
type Kind uint8

// The kinds that are understood.
const (
	Audio Kind = iota + 1
	Video
	Data
)

func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	case Data:
		return "application"
	}
	return ""
}

// Direction is an m= section's, as its own side sees it.
type Direction string

// The directions (RFC 8866, section 6.7).
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Sends reports whether media comes from the side that says d.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether the side that says d takes media.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

func (d Direction) valid() bool { return d.Sends() || d.Receives() || d == Inactive }

// Description is an endpoint's offer or answer.
type Description struct {
	OriginID    uint64
	Ufrag, Pwd  string // of ICE; like the next two from the first m= section that has it, else the session part: BUNDLE is assumed
	Fingerprint string // hash and value, as in a=fingerprint
	Setup       string // actpass, active or passive
	Sections    []Section
}

// Section is one m= section.
type Section struct {
	Kind       Kind
	MID        string
	Rejected   bool // port 0, and not bundle-only
	Protocol   string
	Direction  Direction
	Formats    []Format
	Extensions []Extension       // those that we know
	SSRCs      []uint32          // media, in the order announced; lowest layer first if there is a SIM group
	Repair     map[uint32]uint32 // RTX SSRC by the SSRC it repairs (ssrc-group:FID)
	Simulcast  bool              // by a SIM group or by rids
	RIDs       []string          // sent, in the order of a=simulcast, at most maxLayers
	SCTPMap    bool              // the old form of a data section
	MSID       string            // "stream track" of what is sent, as a=msid has it; empty if not said
}

// Format is one payload type.
type Format struct {
	PayloadType uint8
	Codec       string // lower case
	ClockRate   uint32
	Channels    string   // empty if not said
	Parameters  string   // of a=fmtp
	Feedback    []string // the kinds that we know
}

// Extension is one a=extmap.
type Extension struct {
	ID        uint8
	URI       string
	Direction Direction // as its own side sees it (RFC 8285, section 5)
}
