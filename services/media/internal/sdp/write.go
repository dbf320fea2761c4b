package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Local is our side of a PeerConnection's transport.
type Local struct {
	Host        netip.Addr
	Candidates  []string // values of a=candidate
	Ufrag, Pwd  string
	Fingerprint string // hash and value
	Setup       string
	OriginID    uint64
	Version     uint64 // grows by one with each description
	SessionName string // may be empty
}

const cname = "janus"

// Sent names the streams that we send in an m= section.
type Sent struct {
	MSID      string // "stream track"; empty for none
	SSRC, RTX uint32 // RTX is 0 without
}

// Answer writes the answer to an offer of which streams were taken. sent has an entry for each stream; only those that
// are sent back matter.
func Answer(l *Local, streams []Stream, sent []Sent) string {
	w := writer{local: l}
	var bundle []string
	for i := range streams {
		if !streams[i].Refused {
			bundle = append(bundle, streams[i].MID)
		}
	}
	w.session(bundle)
	for i := range streams {
		if streams[i].Refused {
			w.refused(&streams[i])
		} else {
			w.stream(&streams[i], sent[i])
		}
	}
	return w.String()
}

// writer writes lines.
type writer struct {
	strings.Builder
	local *Local
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteString("\r\n")
}

func (w *writer) address() string {
	if w.local.Host.Is6() {
		return "IN IP6 " + w.local.Host.String()
	}
	return "IN IP4 " + w.local.Host.String()
}

func (w *writer) session(bundle []string) {
	name := strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, w.local.SessionName)
	if name == "" {
		name = "-"
	}
	w.line("v=0")
	w.line("o=- %d %d %s", w.local.OriginID, w.local.Version, w.address())
	w.line("s=%s", name)
	w.line("t=0 0")
	if len(bundle) > 0 {
		w.line("a=group:BUNDLE %s", strings.Join(bundle, " "))
	}
	w.line("a=ice-options:trickle")
	w.line("a=fingerprint:%s", w.local.Fingerprint)
	w.line("a=extmap-allow-mixed")
	w.line("a=msid-semantic: WMS *")
	w.line("a=ice-lite")
}

func (w *writer) refused(s *Stream) {
	w.line("m=%s 0 %s 0", s.Kind, s.Protocol)
	w.line("c=%s", w.address())
	w.line("a=inactive")
	w.line("a=mid:%s", s.MID)
}

// head writes what every m= section in use begins with.
func (w *writer) head(kind Kind, protocol, formats string, direction Direction, mid string) {
	w.line("m=%s 9 %s %s", kind, protocol, formats)
	w.line("c=%s", w.address())
	w.line("a=%s", direction)
	w.line("a=mid:%s", mid)
	if kind != Data {
		w.line("a=rtcp-mux")
	}
	w.line("a=ice-ufrag:%s", w.local.Ufrag)
	w.line("a=ice-pwd:%s", w.local.Pwd)
	w.line("a=ice-options:trickle")
	w.line("a=setup:%s", w.local.Setup)
}

func (w *writer) candidates() {
	for _, c := range w.local.Candidates {
		w.line("a=candidate:%s", c)
	}
	w.line("a=end-of-candidates")
}

func (w *writer) stream(s *Stream, sent Sent) {
	if s.Kind == Data {
		w.data(s.Protocol, s.SCTPMap, s.Direction, s.MID)
		return
	}
	formats := formatNumber(s.Format.PayloadType)
	if s.RED != nil { // first: otherwise browsers do not send it
		formats = formatNumber(*s.RED) + " " + formats
	}
	if s.RTX != nil {
		formats += " " + formatNumber(*s.RTX)
	}
	w.head(s.Kind, s.Protocol, formats, s.Direction, s.MID)
	w.format(&s.Format, s.RTX)
	if s.RED != nil {
		w.redundancy(*s.RED, &s.Format)
	}
	for _, x := range s.Offered {
		w.line("a=extmap:%d %s", x.ID, x.URI)
	}
	if s.Direction.Sends() {
		w.sent(sent)
	}
	if (s.Direction.Receives() || s.Direction == Inactive) && len(s.RIDs) > 0 { // who is inactive for a while would else lose its layers for good
		w.layers(s.RIDs)
	}
	w.candidates()
}

// layers says which are taken (RFC 8853).
func (w *writer) layers(rids []string) {
	for _, rid := range rids {
		w.line("a=rid:%s recv", rid)
	}
	w.line("a=simulcast:recv %s", strings.Join(rids, ";"))
}

// names are as the registries spell them.
var names = map[string]string{
	"opus": "opus", "red": "red", "pcmu": "PCMU", "pcma": "PCMA", "g722": "G722", "vp8": "VP8", "vp9": "VP9", "h264": "H264", "av1": "AV1",
}

func (w *writer) format(f *Format, rtx *uint8) {
	channels := ""
	if f.Channels != "" {
		channels = "/" + f.Channels
	}
	name, known := names[f.Codec]
	if !known { // names of codecs are not case-sensitive (RFC 8866, section 6.6)
		name = f.Codec
	}
	w.line("a=rtpmap:%d %s/%d%s", f.PayloadType, name, f.ClockRate, channels)
	if f.Parameters != "" {
		w.line("a=fmtp:%d %s", f.PayloadType, f.Parameters)
	}
	for _, fb := range f.Feedback {
		w.line("a=rtcp-fb:%d %s", f.PayloadType, fb)
	}
	if rtx != nil {
		w.line("a=rtpmap:%d rtx/%d", *rtx, f.ClockRate)
		w.line("a=fmtp:%d apt=%d", *rtx, f.PayloadType)
	}
}

// redundancy writes what RED is of: one earlier payload beside each.
func (w *writer) redundancy(pt uint8, of *Format) {
	inside := formatNumber(of.PayloadType)
	w.format(&Format{PayloadType: pt, Codec: "red", ClockRate: of.ClockRate, Channels: of.Channels, Parameters: inside + "/" + inside}, nil)
}

func (w *writer) sent(s Sent) {
	if s.MSID != "" {
		w.line("a=msid:%s", s.MSID)
	}
	if s.RTX != 0 {
		w.line("a=ssrc-group:FID %d %d", s.SSRC, s.RTX)
	}
	for _, ssrc := range []uint32{s.SSRC, s.RTX} {
		if ssrc != 0 {
			w.line("a=ssrc:%d cname:%s", ssrc, cname)
		}
	}
}

func (w *writer) data(protocol string, sctpmap bool, direction Direction, mid string) {
	formats := "webrtc-datachannel"
	if sctpmap {
		formats = "5000"
	}
	w.head(Data, protocol, formats, direction, mid)
	if sctpmap {
		w.line("a=sctpmap:5000 webrtc-datachannel 16")
	} else {
		w.line("a=sctp-port:5000")
	}
	w.candidates()
}

func formatNumber(pt uint8) string { return strconv.Itoa(int(pt)) }

// oneLine reports whether s can stand in a line of SDP.
func oneLine(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < ' ' })
}
