package admin

import (
	"strconv"
	"strings"
)

// twccURI names the header extension of transport-wide congestion control.
const twccURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// bwe tells whether the peer has transport-wide feedback.
func bwe(extensions members) members {
	id, ok := extensions[twccURI]
	if !ok {
		return members{"twcc": false}
	}
	return members{"twcc": true, "twcc-ext-id": id}
}

// section is what an SDP says of one m= section.
type section struct {
	pt, rtx       int // of the first format, and of its repair; -1 for none
	clock         int // Hz; 0 if unknown
	nack          bool
	stream, track string // of a=msid; empty for none
	ssrc, repair  int    // of the first stream that it names, and of its repair; 0 for none
}

// sectionsOf reads the m= sections of an SDP, by mid. What makes no sense is left out: only people read it.
func sectionsOf(sdp string) map[string]section {
	all := map[string]section{}
	mid, s, in := "", section{}, false
	end := func() {
		if in && mid != "" {
			all[mid] = s
		}
	}
	for line := range strings.Lines(sdp) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if formats, ok := strings.CutPrefix(name, "m="); ok {
			end()
			mid, s, in = "", section{pt: -1, rtx: -1}, true
			if f := strings.Fields(formats); len(f) > 3 {
				s.pt = number(f[3])
			}
			continue
		}
		format, rest, _ := strings.Cut(value, " ")
		ours := s.pt >= 0 && number(format) == s.pt
		switch name {
		case "a=mid":
			mid = value
		case "a=msid":
			s.stream, s.track = format, rest
		case "a=ssrc":
			if s.ssrc == 0 {
				s.ssrc = max(0, number(format))
			}
		case "a=ssrc-group":
			if f := strings.Fields(value); len(f) == 3 && f[0] == "FID" && s.repair == 0 {
				s.ssrc, s.repair = max(0, number(f[1])), max(0, number(f[2]))
			}
		case "a=rtpmap":
			if parts := strings.Split(rest, "/"); ours && len(parts) > 1 {
				s.clock = max(0, number(parts[1]))
			}
		case "a=rtcp-fb":
			s.nack = s.nack || ours && rest == "nack"
		case "a=fmtp":
			if rest == "apt="+strconv.Itoa(s.pt) {
				s.rtx = number(format)
			}
		}
	}
	end()
	return all
}

// number is text as a number, -1 if it is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// add puts what the SDPs say of an m= section into its part of media.
func (s section) add(to members, codec string, remote section) {
	codecs := members{"codec": codec}
	if s.pt >= 0 {
		codecs["pt"] = s.pt
	}
	if s.rtx >= 0 {
		codecs["rtx-pt"] = s.rtx
	}
	to["codecs"], to["do_nacks"] = codecs, s.nack
	msid := members{}
	for name, value := range map[string]string{
		"local-stream": s.stream, "local-track": s.track, "remote-stream": remote.stream, "remote-track": remote.track,
	} {
		if value != "" {
			msid[name] = value
		}
	}
	if len(msid) > 0 {
		to["msid"] = msid
	}
	rtcp, _ := to["rtcp"].(members)
	for _, layer := range rtcp {
		if one, ok := layer.(members); ok && s.clock > 0 {
			one["base"] = s.clock
		}
	}
}

// addSSRCs puts into an m= section's part of media what the endpoint has said that it will use, also to report with what it receives.
func (s section) addSSRCs(to members) {
	if s.ssrc != 0 {
		to["ssrc-peer"] = s.ssrc
	}
	if s.repair != 0 {
		to["ssrc-peer-rtx"] = s.repair
	}
}
