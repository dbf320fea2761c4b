package endpoint

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// mediaKind is what a payload type stands for.
type mediaKind uint8

const (
	unknownMedia mediaKind = iota
	videoMedia
	audioMedia
	repairMedia // RTX (RFC 4588)
)

// offer is what a subscriber reads of a server's SDP (RFC 8829, now 9429).
type offer struct {
	ufrag, password string
	fingerprint     string           // hash, space, pairs of hexadecimal digits
	lite            bool             // the server only answers checks (RFC 8445, section 2.5)
	candidates      []netip.AddrPort // UDP over IPv4
	kinds           [128]mediaKind   // by payload type
	transportCC     uint8            // id of the extension for transport-wide sequence numbers; 0 if there is none
	sections        []*section
}

// section is an m= section; formats and attributes are its lines that an answer may repeat.
type section struct {
	kind, protocol, mid string
	formats             []string // payload types
	repairs             []string // those of them that are RTX
	feedback, others    []string // a=rtcp-fb; a=rtpmap, a=fmtp, a=rtcp-mux, a=rtcp-rsize
	extensions          []string // a=extmap
}

const (
	midExtension         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	transportCCExtension = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

var errBadOffer = errors.New("offer makes no sense")

func readOffer(sdp string) (*offer, error) {
	o := &offer{}
	var s *section
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		kind, value, _ := strings.Cut(line, "=")
		switch {
		case kind == "m":
			words := strings.Fields(value)
			if len(words) < 4 {
				return nil, fmt.Errorf("%w: %q", errBadOffer, line)
			}
			s = &section{kind: words[0], protocol: words[2], formats: words[3:]}
			o.sections = append(o.sections, s)
		case kind == "a":
			o.attribute(s, line, value)
		}
	}
	if o.ufrag == "" || o.password == "" || o.fingerprint == "" || len(o.candidates) == 0 || len(o.sections) == 0 {
		return nil, fmt.Errorf("%w: no ICE credentials, fingerprint, candidates of UDP over IPv4 or m= sections", errBadOffer)
	}
	return o, nil
}

// attribute takes an a= line of the session, if s is nil, or of a section.
func (o *offer) attribute(s *section, line, value string) {
	name, rest, _ := strings.Cut(value, ":")
	switch name {
	case "ice-ufrag":
		o.ufrag = rest
	case "ice-pwd":
		o.password = rest
	case "ice-lite":
		o.lite = true
	case "fingerprint":
		o.fingerprint = rest
	case "candidate":
		o.addCandidate(rest)
	}
	if s == nil {
		return
	}
	switch name {
	case "mid":
		s.mid = rest
	case "rtpmap":
		s.others = append(s.others, line)
		o.addFormat(s, rest)
	case "fmtp", "rtcp-mux", "rtcp-rsize":
		s.others = append(s.others, line)
	case "rtcp-fb":
		s.feedback = append(s.feedback, line)
	case "extmap":
		o.addExtension(s, line, rest)
	}
}

// addCandidate reads a candidate (RFC 8839, section 5.1): foundation, component, transport, priority, address, port.
func (o *offer) addCandidate(value string) {
	words := strings.Fields(value)
	if len(words) < 6 || !strings.EqualFold(words[2], "udp") || words[1] != "1" {
		return
	}
	at, err := netip.ParseAddrPort(words[4] + ":" + words[5])
	if err == nil && at.Addr().Is4() && !slices.Contains(o.candidates, at) {
		o.candidates = append(o.candidates, at)
	}
}

func (o *offer) addFormat(s *section, value string) {
	pt, codec, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(pt, 10, 7)
	if err != nil {
		return
	}
	switch codec, _, _ = strings.Cut(strings.ToLower(codec), "/"); {
	case codec == "rtx":
		o.kinds[n] = repairMedia
		s.repairs = append(s.repairs, pt)
	case s.kind == "video":
		o.kinds[n] = videoMedia
	case s.kind == "audio":
		o.kinds[n] = audioMedia
	}
}

func (o *offer) addExtension(s *section, line, value string) {
	id, uri, _ := strings.Cut(value, " ")
	id, _, _ = strings.Cut(id, "/")
	switch {
	case strings.HasPrefix(uri, midExtension):
		s.extensions = append(s.extensions, line)
	case strings.HasPrefix(uri, transportCCExtension):
		if n, err := strconv.ParseUint(id, 10, 8); err == nil {
			o.transportCC = uint8(n)
			s.extensions = append(s.extensions, line)
		}
	}
}

// answer accepts all audio and video, to be received at one address. We are the DTLS client, as browsers are. With
// repair, NACK and RTX are taken.
func (o *offer) answer(local credentials, fingerprint string, at netip.AddrPort, repair bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0")
	group := "a=group:BUNDLE"
	for _, s := range o.sections {
		if s.isMedia() {
			group += " " + s.mid
		}
	}
	line("%s", group)
	for _, s := range o.sections {
		if !s.isMedia() {
			line("m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=inactive", s.kind, s.protocol, strings.Join(s.formats, " "), s.mid)
			continue
		}
		refused := func(pt string) bool { return !repair && slices.Contains(s.repairs, pt) }
		line("m=%s 9 %s %s\r\nc=IN IP4 0.0.0.0", s.kind, s.protocol, strings.Join(slices.DeleteFunc(slices.Clone(s.formats), refused), " "))
		line("a=mid:%s\r\na=recvonly\r\na=setup:active\r\na=fingerprint:%s", s.mid, fingerprint)
		line("a=ice-ufrag:%s\r\na=ice-pwd:%s", local.ufrag, local.password)
		for _, l := range s.others {
			if !refused(payloadType(l)) {
				line("%s", l)
			}
		}
		for _, l := range s.feedback {
			if takesFeedback(l, repair) && !refused(payloadType(l)) {
				line("%s", l)
			}
		}
		for _, l := range s.extensions {
			line("%s", l)
		}
		line("a=candidate:1 1 udp 2130706431 %s %d typ host\r\na=end-of-candidates", at.Addr(), at.Port())
	}
	return b.String()
}

func (s *section) isMedia() bool { return s.kind == "audio" || s.kind == "video" }

// payloadType returns that which a line such as "a=fmtp:96 …" is about.
func payloadType(line string) string {
	_, value, _ := strings.Cut(line, ":")
	pt, _, _ := strings.Cut(value, " ")
	return pt
}

func takesFeedback(line string, repair bool) bool {
	_, feedback, _ := strings.Cut(line, " ")
	switch feedback {
	case "nack":
		return repair
	case "nack pli", "ccm fir", "transport-cc":
		return true
	default:
		return false
	}
}
