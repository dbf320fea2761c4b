package janus

import "strings"

// maxMid is what fits the mid of an RTP header extension, as Janus has it.
const maxMid = 16

// checkSDP is the core's check of an SDP, before any plugin sees it (spec/janus-api.md, section 5.3): only what
// needs no state. What the SDP negotiates is for a node to judge.
func checkSDP(sdp string) *Error {
	if !strings.HasPrefix(sdp, "v=") {
		return newError(CodeJSEPInvalidSDP, "Invalid SDP (doesn't start with v=)")
	}
	var origin, name, media, ufrag, pwd, fingerprint bool
	sections := 0
	for line := range strings.SplitSeq(sdp, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		if len(line) < 3 || line[1] != '=' {
			return newError(CodeJSEPInvalidSDP, "Invalid line (%d bytes): %s", len(line), shorten(line))
		}
		switch line[0] {
		case 'o':
			origin = true
		case 's':
			name = true
		case 'm':
			media = true
			sections++
			if err := checkMediaLine(line); err != nil {
				return err
			}
		case 'a':
			if mid, ok := strings.CutPrefix(line, "a=mid:"); ok && len(mid) > maxMid {
				return &Error{Code: CodeJSEPInvalidSDP} // Janus gives no words here
			}
			if strings.HasSuffix(line, ":") {
				return newError(CodeJSEPInvalidSDP, "Invalid a= line: %s", shorten(line))
			}
			if sections <= 1 { // only the session's and the first m= section's transport counts
				ufrag = ufrag || strings.HasPrefix(line, "a=ice-ufrag:")
				pwd = pwd || strings.HasPrefix(line, "a=ice-pwd:")
				fingerprint = fingerprint || strings.HasPrefix(line, "a=fingerprint:")
			}
		}
	}
	if !origin || !name || !media {
		return newError(CodeJSEPInvalidSDP, "Missing mandatory lines (o=, s= or m=)")
	}
	if !ufrag || !pwd || !fingerprint {
		return newError(CodeJSEPInvalidSDP, "Error processing SDP")
	}
	return nil
}

func checkMediaLine(line string) *Error {
	words := strings.Fields(line[2:])
	if len(line) > 202 || len(words) < 3 {
		return newError(CodeJSEPInvalidSDP, "Invalid m= line: %s", shorten(line))
	}
	switch words[0] {
	case "audio", "video", "application":
		return nil
	}
	return newError(CodeJSEPInvalidSDP, "Invalid m= line: %s", shorten(line))
}
