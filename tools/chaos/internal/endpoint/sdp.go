package endpoint

import (
	"errors"
	"fmt"
	"strings"
)

// Payload types of a publisher's offer.
const (
	opusType = 111
	vp8Type  = 96
)

// remote is what is read of a server's SDP (RFC 8829, now 9429).
type remote struct {
	credentials
	fingerprint string   // hash, space, pairs of hexadecimal digits
	candidates  []string // values of a=candidate
	kinds       [128]Kind
	sections    []section
}

// section is an m= section that is offered; its lines are those that an answer may repeat.
type section struct {
	media, protocol, formats, mid string
	rejected                      bool
	lines                         []string
}

var errBadSDP = errors.New("SDP makes no sense")

// readSDP takes an offer or an answer of the server's.
func readSDP(sdp string) (*remote, error) {
	r := &remote{}
	var s *section
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		if value, ok := strings.CutPrefix(line, "m="); ok {
			words := strings.SplitN(value, " ", 4)
			if len(words) < 4 {
				return nil, fmt.Errorf("%w: %q", errBadSDP, line)
			}
			r.sections = append(r.sections, section{media: words[0], protocol: words[2], formats: words[3], rejected: words[1] == "0"})
			s = &r.sections[len(r.sections)-1]
		}
		if value, ok := strings.CutPrefix(line, "a="); ok {
			r.attribute(s, line, value)
		}
	}
	if r.ufrag == "" || r.password == "" || r.fingerprint == "" || len(r.sections) == 0 {
		return nil, fmt.Errorf("%w: no ICE credentials, fingerprint or m= sections", errBadSDP)
	}
	return r, nil
}

func (r *remote) attribute(s *section, line, value string) {
	name, rest, _ := strings.Cut(value, ":")
	switch name {
	case "ice-ufrag":
		r.ufrag = rest
	case "ice-pwd":
		r.password = rest
	case "fingerprint":
		r.fingerprint = rest
	case "candidate":
		r.candidates = append(r.candidates, rest)
	}
	if s == nil {
		return
	}
	switch name {
	case "mid":
		s.mid = rest
	case "rtpmap":
		s.lines = append(s.lines, line)
		r.format(s, rest)
	case "fmtp":
		s.lines = append(s.lines, line)
	case "rtcp-fb":
		if strings.HasSuffix(rest, " nack pli") || strings.HasSuffix(rest, " ccm fir") {
			s.lines = append(s.lines, line)
		}
	case "extmap":
		if strings.Contains(rest, "sdes:mid") {
			s.lines = append(s.lines, line)
		}
	}
}

func (r *remote) format(s *section, value string) {
	var pt int
	var codec string
	if _, err := fmt.Sscanf(value, "%d %s", &pt, &codec); err != nil || pt < 0 || pt > 127 || strings.HasPrefix(strings.ToLower(codec), "rtx/") {
		return
	}
	switch s.media {
	case "audio":
		r.kinds[pt] = Sound
	case "video":
		r.kinds[pt] = Pictures
	}
}

// transportLines are what each m= section of ours says of the one transport.
func transportLines(local credentials, fingerprint, setup string) string {
	return fmt.Sprintf("a=rtcp-mux\r\na=setup:%s\r\na=fingerprint:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", setup, fingerprint, local.ufrag, local.password)
}

// offer is a publisher's, of one Opus and one VP8 stream.
func offer(local credentials, fingerprint string, sound, pictures uint32) string {
	transport := transportLines(local, fingerprint, "actpass")
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"+
		"m=audio 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n%sa=rtpmap:%[1]d opus/48000/2\r\na=ssrc:%[3]d cname:c\r\n"+
		"m=video 9 UDP/TLS/RTP/SAVPF %[4]d\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\n%[2]sa=rtpmap:%[4]d VP8/90000\r\na=rtcp-fb:%[4]d nack\r\na=rtcp-fb:%[4]d nack pli\r\na=ssrc:%[5]d cname:c\r\n",
		opusType, transport, sound, vp8Type, pictures)
}

// answer is a subscriber's, which takes all sound and pictures.
func (r *remote) answer(local credentials, fingerprint string) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")
	for _, s := range r.sections {
		if s.taken() {
			b.WriteString(" " + s.mid)
		}
	}
	b.WriteString("\r\n")
	for _, s := range r.sections {
		if !s.taken() {
			fmt.Fprintf(&b, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=inactive\r\n", s.media, s.protocol, s.formats, s.mid)
			continue
		}
		fmt.Fprintf(&b, "m=%s 9 %s %s\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=recvonly\r\n", s.media, s.protocol, s.formats, s.mid)
		b.WriteString(transportLines(local, fingerprint, "active"))
		for _, l := range s.lines {
			b.WriteString(l + "\r\n")
		}
	}
	return b.String()
}

func (s *section) taken() bool { return !s.rejected && (s.media == "audio" || s.media == "video") }
