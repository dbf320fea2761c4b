package sdp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// What is taken from an endpoint at most.
const (
	MaxSections = 128
	maxSize     = 256 << 10 // bytes
	maxMLine    = 200       // characters, as Janus has it
	maxFormats  = 128       // of one m= section: payload types have 7 bits
	maxLayers   = 3
	maxSSRCs    = 16 // of one m= section
)

var (
	midPattern         = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_\x60{|}~-]{1,16}$`) // 16 fit a one-byte header extension
	ridPattern         = regexp.MustCompile(`^[A-Za-z0-9_-]{1,16}$`)
	msidPattern        = regexp.MustCompile(`^[!-~]{1,64}( [!-~]{1,64})?$`) // RFC 8830, section 2
	icePattern         = regexp.MustCompile(`^[A-Za-z0-9+/=_-]{4,256}$`)    // RFC 8839, and what some endpoints use beyond it
	protocolPattern    = regexp.MustCompile(`^[A-Z/]{3,32}$`)
	fingerprintPattern = regexp.MustCompile(`^(?i:sha-256 [0-9a-f]{2}(:[0-9a-f]{2}){31}|sha-1 [0-9a-f]{2}(:[0-9a-f]{2}){19})$`)
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Parse reads an offer or an answer. Its errors wrap ErrInvalid.
func Parse(text string) (*Description, error) {
	if len(text) > maxSize {
		return nil, invalid("%d bytes", len(text))
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "m=") && len(line) > maxMLine {
			return nil, invalid("m= line of %d characters", len(line))
		}
		if strings.HasPrefix(line, "a=") && strings.HasSuffix(line, ":") {
			return nil, invalid("%q has no value", line)
		}
	}
	var raw sdp.SessionDescription
	if err := raw.UnmarshalString(text); err != nil {
		return nil, invalid("%v", err)
	}
	if n := len(raw.MediaDescriptions); n == 0 || n > MaxSections {
		return nil, invalid("%d m= sections", n)
	}
	d := &Description{OriginID: raw.Origin.SessionID}
	if err := d.readTransport(&raw); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, m := range raw.MediaDescriptions {
		s, err := readSection(&raw, m)
		if err != nil {
			return nil, err
		}
		if seen[s.MID] {
			return nil, invalid("mid %q twice", s.MID)
		}
		seen[s.MID] = true
		d.Sections = append(d.Sections, s)
	}
	return d, nil
}

// readTransport takes what is said once for all m= sections. Refused ones, the first perhaps, do not say it.
func (d *Description) readTransport(raw *sdp.SessionDescription) error {
	value := func(key string) string {
		for _, m := range raw.MediaDescriptions {
			if v, ok := m.Attribute(key); ok {
				return v
			}
		}
		v, _ := raw.Attribute(key)
		return v
	}
	d.Ufrag, d.Pwd = value("ice-ufrag"), value("ice-pwd")
	if !icePattern.MatchString(d.Ufrag) || !icePattern.MatchString(d.Pwd) || len(d.Pwd) < 22 {
		return invalid("no usable ICE credentials")
	}
	if d.Fingerprint = value("fingerprint"); !fingerprintPattern.MatchString(d.Fingerprint) {
		return invalid("no usable fingerprint")
	}
	switch d.Setup = value("setup"); d.Setup {
	case "actpass", "active", "passive":
		return nil
	case "": // in an offer it is for the answer to choose; an answer has to say (RFC 8842, section 5.2 and 5.3)
		d.Setup = "actpass"
		return nil
	}
	return invalid("a=setup is %q", d.Setup)
}

func readSection(raw *sdp.SessionDescription, m *sdp.MediaDescription) (Section, error) {
	s := Section{Direction: SendRecv, Protocol: strings.Join(m.MediaName.Protos, "/"), Repair: map[uint32]uint32{}}
	switch m.MediaName.Media {
	case "audio":
		s.Kind = Audio
	case "video":
		s.Kind = Video
	case "application":
		s.Kind = Data
	default:
		return s, invalid("media %q", m.MediaName.Media)
	}
	if !protocolPattern.MatchString(s.Protocol) {
		return s, invalid("protocol %q", s.Protocol)
	}
	_, bundleOnly := m.Attribute("bundle-only")
	s.Rejected = m.MediaName.Port.Value == 0 && !bundleOnly
	if s.MID, _ = m.Attribute("mid"); !midPattern.MatchString(s.MID) {
		return s, invalid("mid %q", s.MID)
	}
	for _, level := range [][]sdp.Attribute{raw.Attributes, m.Attributes} {
		for _, a := range level {
			switch d := Direction(a.Key); d {
			case SendRecv, SendOnly, RecvOnly, Inactive:
				s.Direction = d
			}
		}
	}
	if s.Kind == Data {
		_, s.SCTPMap = m.Attribute("sctpmap")
		return s, nil
	}
	if msid, _ := m.Attribute("msid"); msidPattern.MatchString(msid) {
		s.MSID = msid
	}
	if err := s.readFormats(m); err != nil {
		return s, err
	}
	s.readExtensions(raw.Attributes)
	s.readExtensions(m.Attributes)
	if err := s.readSources(m); err != nil {
		return s, err
	}
	return s, s.readRIDs(m)
}

// staticFormats are the payload types that need no a=rtpmap (RFC 3551).
var staticFormats = map[uint8]Format{
	0: {PayloadType: 0, Codec: "pcmu", ClockRate: 8000},
	8: {PayloadType: 8, Codec: "pcma", ClockRate: 8000},
	9: {PayloadType: 9, Codec: "g722", ClockRate: 8000},
}

func (s *Section) readFormats(m *sdp.MediaDescription) error {
	if len(m.MediaName.Formats) > maxFormats {
		return invalid("%d payload types", len(m.MediaName.Formats))
	}
	index := map[string]int{}
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			return invalid("payload type %q", f)
		}
		format := staticFormats[uint8(pt)]
		format.PayloadType = uint8(pt)
		index[f] = len(s.Formats)
		s.Formats = append(s.Formats, format)
	}
	for _, a := range m.Attributes {
		pt, rest, _ := strings.Cut(a.Value, " ")
		i, known := index[pt]
		switch {
		case a.Key == "rtcp-fb" && pt == "*":
			for i := range s.Formats {
				s.Formats[i].Feedback = append(s.Formats[i].Feedback, rest)
			}
		case !known:
		case a.Key == "rtcp-fb":
			s.Formats[i].Feedback = append(s.Formats[i].Feedback, rest)
		case a.Key == "fmtp":
			s.Formats[i].Parameters = strings.TrimSpace(rest)
		case a.Key == "rtpmap":
			name, rate, _ := strings.Cut(rest, "/")
			rate, channels, _ := strings.Cut(rate, "/")
			hz, err := strconv.ParseUint(rate, 10, 32)
			if err != nil {
				return invalid("rtpmap %q", a.Value)
			}
			s.Formats[i].Codec, s.Formats[i].ClockRate, s.Formats[i].Channels = strings.ToLower(name), uint32(hz), channels
		}
	}
	return nil
}

func (s *Section) readExtensions(attributes []sdp.Attribute) {
	for _, a := range attributes {
		if a.Key != "extmap" {
			continue
		}
		number, rest, _ := strings.Cut(a.Value, " ")
		number, direction, directed := strings.Cut(number, "/")
		if !directed {
			direction = string(SendRecv)
		}
		uri, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		id, err := strconv.ParseUint(number, 10, 8)
		if err == nil && id != 0 && id != 15 {
			s.Extensions = append(s.Extensions, Extension{ID: uint8(id), URI: uri, Direction: Direction(direction)})
		}
	}
}

// parameter returns the value of one parameter of an a=fmtp.
func (f Format) parameter(name string) string {
	for p := range strings.SplitSeq(f.Parameters, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
