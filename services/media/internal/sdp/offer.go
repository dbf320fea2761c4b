package sdp

import (
	"strings"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// Slot is one m= section of an offer to a subscriber.
type Slot struct {
	MID                     string
	Kind                    Kind
	Codec                   string // Janus's name; empty only if never active
	VP9Profile, H264Profile string
	Stereo, FEC, DTX, RED   bool // of Opus
	AudioLevel              bool // header extensions that the feed has
	VideoOrientation        bool
	PlayoutDelay            bool
	Active                  bool
	Both                    bool // of data: messages of the endpoint are wanted as well
	Sent                    Sent
}

// payloadTypes are fixed, whatever the publisher uses, so that a slot's source can be switched. RTX is one above.
var payloadTypes = map[string]Format{
	"opus": {PayloadType: 111, Codec: "opus", ClockRate: 48000, Channels: "2"},
	"pcmu": {PayloadType: 0, Codec: "pcmu", ClockRate: 8000},
	"pcma": {PayloadType: 8, Codec: "pcma", ClockRate: 8000},
	"g722": {PayloadType: 9, Codec: "g722", ClockRate: 8000},
	"vp8":  {PayloadType: 96, Codec: "vp8", ClockRate: 90000},
	"vp9":  {PayloadType: 101, Codec: "vp9", ClockRate: 90000},
	"h264": {PayloadType: 107, Codec: "h264", ClockRate: 90000},
	"av1":  {PayloadType: 98, Codec: "av1", ClockRate: 90000},
}

// payloadTypeRED is of Opus with redundancy, as Janus has it.
const payloadTypeRED = 120

// Numbers of header extensions in our offers, as Janus has them.
const (
	idAudioLevel       = 1
	idAbsSendTime      = 2
	idTransportCC      = 3
	idMID              = 4
	idPlayoutDelay     = 12
	idDependencies     = 11 // not Janus's: without it, Chromium cannot decode several spatial layers of AV1
	idVideoOrientation = 13
	idAbsCaptureTime   = 8 // not Janus's: what is captured at the same time can be shown so, whoever sends it
)

// Valid reports whether the slot can be written.
func (s *Slot) Valid() error {
	_, known := payloadTypes[s.codec()]
	switch {
	case !midPattern.MatchString(s.MID):
		return invalid("mid %q", s.MID)
	case !oneLine(s.Sent.MSID) || !oneLine(s.VP9Profile) || !oneLine(s.H264Profile):
		return invalid("line end in slot %s", s.MID)
	case s.Kind != Data && !known:
		return invalid("codec %q", s.Codec)
	}
	return nil
}

// codec is the slot's, or what stands for none.
func (s *Slot) codec() string {
	switch {
	case s.Codec != "":
		return s.Codec
	case s.Kind == Audio:
		return "opus"
	}
	return "vp8"
}

// RTXPayloadType is what the slot's retransmissions have; false for audio.
func (s *Slot) RTXPayloadType() (uint8, bool) {
	return payloadTypes[s.codec()].PayloadType + 1, s.Kind == Video
}

// Offer writes an offer of slots, all of which are Valid.
func Offer(l *Local, slots []Slot) string {
	w := writer{local: l}
	var bundle []string
	for i := range slots {
		bundle = append(bundle, slots[i].MID)
	}
	w.session(bundle)
	for i := range slots {
		w.slot(&slots[i])
	}
	return w.String()
}

func (w *writer) slot(s *Slot) {
	direction := Inactive
	if s.Active {
		direction = SendOnly
		if s.Both {
			direction = SendRecv
		}
	}
	if s.Kind == Data {
		w.data("UDP/DTLS/SCTP", false, direction, s.MID)
		return
	}
	format := payloadTypes[s.codec()]
	format.Parameters = s.parameters()
	formats := formatNumber(format.PayloadType)
	var rtx *uint8
	format.Feedback = []string{"transport-cc"}
	if pt, ok := s.RTXPayloadType(); ok {
		rtx, formats = &pt, formats+" "+formatNumber(pt)
		format.Feedback = videoFeedback
	}
	if s.redundant() {
		formats += " " + formatNumber(payloadTypeRED)
	}
	w.head(s.Kind, "UDP/TLS/RTP/SAVPF", formats, direction, s.MID)
	w.format(&format, rtx)
	if s.redundant() {
		w.redundancy(payloadTypeRED, &format)
	}
	for _, x := range s.extensions() {
		w.line("a=extmap:%d %s", x.ID, x.URI)
	}
	if s.Active {
		w.sent(s.Sent)
	}
	w.candidates()
}

func (s *Slot) redundant() bool { return s.RED && s.codec() == "opus" }

func (s *Slot) parameters() string {
	var all []string
	add := func(wanted bool, p string) {
		if wanted {
			all = append(all, p)
		}
	}
	switch s.codec() {
	case "opus":
		add(s.FEC, "useinbandfec=1")
		add(s.DTX, "usedtx=1")
		add(s.Stereo, "stereo=1")
	case "vp9":
		add(s.VP9Profile != "", "profile-id="+s.VP9Profile)
	case "h264":
		profile := s.H264Profile
		if profile == "" {
			profile = "42e01f"
		}
		add(true, "profile-level-id="+profile+";packetization-mode=1")
	}
	return strings.Join(all, ";")
}

func (s *Slot) extensions() []Extension {
	var all []Extension
	add := func(wanted bool, id uint8, uri string) {
		if wanted {
			all = append(all, Extension{ID: id, URI: uri})
		}
	}
	video := s.Kind == Video
	add(!video && s.AudioLevel, idAudioLevel, uriAudioLevel)
	add(video, idAbsSendTime, uriAbsSendTime)
	add(true, idTransportCC, uriTransportCC)
	add(true, idMID, uriMID)
	add(true, idAbsCaptureTime, uriAbsCaptureTime)
	add(video && s.PlayoutDelay, idPlayoutDelay, uriPlayoutDelay)
	add(video && s.VideoOrientation, idVideoOrientation, uriVideoOrientation)
	add(s.codec() == "av1", idDependencies, uriDependencyDescriptor)
	return all
}

// Accepted is what an answer says of one m= section that was offered.
type Accepted struct {
	MID         string
	Ready       bool // media, or data, may flow
	PayloadType uint8
	RTX         uint8 // payload type; 0 without
	RED         uint8 // likewise
	NACK        bool
	IDs         packet.ExtensionIDs
}

// Accept reads an answer to an offer of slots. The two must have the same m= sections (RFC 3264, section 6).
func Accept(answer *Description, slots []Slot) ([]Accepted, error) {
	if len(answer.Sections) != len(slots) {
		return nil, invalid("%d m= sections in the answer to %d", len(answer.Sections), len(slots))
	}
	all := make([]Accepted, len(slots))
	for i := range slots {
		section, slot := &answer.Sections[i], &slots[i]
		if section.Kind != slot.Kind || section.MID != slot.MID {
			return nil, invalid("m= section %d is %s %q, not %s %q", i, section.Kind, section.MID, slot.Kind, slot.MID)
		}
		all[i] = accept(section, slot)
	}
	return all, nil
}

func accept(s *Section, slot *Slot) Accepted {
	a := Accepted{MID: s.MID}
	if s.Kind == Data {
		a.Ready = !s.Rejected
		return a
	}
	offered := payloadTypes[slot.codec()]
	for i := range s.Formats {
		f := &s.Formats[i]
		if f.Codec != offered.Codec {
			continue
		}
		a.PayloadType = f.PayloadType
		a.Ready = !s.Rejected && s.Direction.Receives() && slot.Active
		for _, fb := range f.Feedback {
			a.NACK = a.NACK || fb == "nack"
		}
		if rtx := repairOf(s, f.PayloadType); rtx != nil && slot.Kind == Video {
			a.RTX = *rtx
		}
		if red := redundancyOf(s, f.PayloadType); red != nil && slot.redundant() {
			a.RED = *red
		}
		break
	}
	for _, x := range s.Extensions {
		switch x.URI {
		case uriAudioLevel:
			a.IDs.AudioLevel = x.ID
		case uriAbsSendTime:
			a.IDs.AbsSendTime = x.ID
		case uriTransportCC:
			a.IDs.TransportCC = x.ID
		case uriMID:
			a.IDs.MID = x.ID
		case uriAbsCaptureTime:
			a.IDs.AbsCaptureTime = x.ID
		case uriPlayoutDelay:
			a.IDs.PlayoutDelay = x.ID
		case uriVideoOrientation:
			a.IDs.VideoOrientation = x.ID
		case uriDependencyDescriptor:
			a.IDs.DependencyDescriptor = x.ID
		}
	}
	return a
}
