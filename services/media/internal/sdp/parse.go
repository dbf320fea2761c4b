package sdp

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/cardea-rtc/cardea/services/media/internal/fingerprint"
)

// What is taken from an endpoint at most.
const (
	MaxSections = 128
	maxSize     = 256 << 10 // bytes
	maxLines    = 20000
	maxMLine    = 200 // characters, as Janus has it
	maxFormats  = 128 // of one m= section: payload types have 7 bits
	maxLayers   = 3
	maxSSRCs    = 16 // of one m= section
)

var (
	midPattern      = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_\x60{|}~-]{1,16}$`) // 16 fit a one-byte header extension
	ridPattern      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,16}$`)
	msidPattern     = regexp.MustCompile(`^[!-~]{1,64}( [!-~]{1,64})?$`) // RFC 8830, section 2
	icePattern      = regexp.MustCompile(`^[A-Za-z0-9+/=_-]{4,256}$`)    // RFC 8839, and what some endpoints use beyond it
	protocolPattern = regexp.MustCompile(`^[A-Z/]{3,32}$`)
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Parse reads an offer. Its errors wrap ErrInvalid.
func Parse(text string) (*Description, error) {
	d, err := parse(text)
	if err != nil {
		return nil, err
	}
	if d.Setup == "" { // for the answer to choose (RFC 8842, section 5.2)
		d.Setup = "actpass"
	}
	return d, nil
}

// ParseAnswer is Parse for an answer. One that leaves it to us who begins DTLS has an endpoint that waits for us; one that says
// nothing has one that begins, as at Janus.
func ParseAnswer(text string) (*Description, error) {
	d, err := parse(text)
	if err != nil {
		return nil, err
	}
	switch d.Setup {
	case "":
		d.Setup = "active"
	case "actpass":
		d.Setup = "passive"
	}
	return d, nil
}

func parse(text string) (*Description, error) {
	if len(text) > maxSize {
		return nil, invalid("%d bytes", len(text))
	}
	if n := max(strings.Count(text, "\n"), strings.Count(text, "\r")); n > maxLines { // either ends one
		return nil, invalid("%d lines", n)
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
	session := Section{Direction: SendRecv} // what all begin with
	session.readDirection(raw.Attributes)
	session.readExtensions(raw.Attributes)
	seen := map[string]bool{}
	for _, m := range raw.MediaDescriptions {
		s, err := readSection(&session, m)
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
	if d.Fingerprint = strongest(raw); d.Fingerprint == "" {
		return invalid("no usable fingerprint")
	}
	switch d.Setup = value("setup"); d.Setup {
	case "actpass", "active", "passive", "":
		return nil
	}
	return invalid("a=setup is %q", d.Setup)
}

// strongest is the fingerprint that we can best compare with, of the first m= section that has any that we can, or else of
// the session part; empty for none.
func strongest(raw *sdp.SessionDescription) string {
	of := func(attributes []sdp.Attribute) string {
		var all []string
		for _, a := range attributes {
			if a.Key == "fingerprint" {
				all = append(all, a.Value)
			}
		}
		best, _ := fingerprint.Strongest(all)
		return best
	}
	for _, m := range raw.MediaDescriptions {
		if best := of(m.Attributes); best != "" {
			return best
		}
	}
	return of(raw.Attributes)
}

func readSection(session *Section, m *sdp.MediaDescription) (Section, error) {
	s := *session
	s.Extensions = slices.Clone(s.Extensions)
	s.Protocol, s.Repair = strings.Join(m.MediaName.Protos, "/"), map[uint32]uint32{}
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
	s.readDirection(m.Attributes)
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
	s.readExtensions(m.Attributes)
	if err := s.readSources(m); err != nil {
		return s, err
	}
	return s, s.readRIDs(m)
}

func (s *Section) readDirection(attributes []sdp.Attribute) {
	for _, a := range attributes {
		if d := Direction(a.Key); d.valid() {
			s.Direction = d
		}
	}
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
	var ofAll []string
	for _, a := range m.Attributes {
		pt, rest, _ := strings.Cut(a.Value, " ")
		i, known := index[pt]
		switch {
		case a.Key == "rtcp-fb" && pt == "*":
			ofAll = withFeedback(ofAll, rest)
		case !known:
		case a.Key == "rtcp-fb":
			s.Formats[i].Feedback = withFeedback(s.Formats[i].Feedback, rest)
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
	for i := range s.Formats {
		for _, kind := range ofAll {
			s.Formats[i].Feedback = withFeedback(s.Formats[i].Feedback, kind)
		}
	}
	return nil
}

// withFeedback adds a kind of feedback, if it is one that we know and is not there yet.
func withFeedback(all []string, kind string) []string {
	if !slices.Contains(videoFeedback, kind) || slices.Contains(all, kind) {
		return all
	}
	return append(all, kind)
}

// readExtensions takes those that we know, each once a direction.
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
		x := Extension{ID: uint8(id), URI: uri, Direction: Direction(direction)}
		if err != nil || id == 0 || id == 15 || !uris[uri] || !x.Direction.valid() {
			continue
		}
		same := func(y Extension) bool { return y.URI == x.URI && y.Direction == x.Direction }
		if !slices.ContainsFunc(s.Extensions, same) {
			s.Extensions = append(s.Extensions, x)
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
