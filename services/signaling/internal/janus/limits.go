package janus

import (
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// Limits bound what one request may hold; 0 for no bound.
type Limits struct {
	SDPBytes, SDPLines, SDPSections int
	Candidates                      int // in one request
	HandleCandidates                int // of one handle, between two offers or answers
}

// CheckSDP returns what is too much of an SDP, if a command has one, and Candidates what is of candidates. Like what else is wrong
// with a request it is told only if session and handle exist: the command is a Touch then.
func (l Limits) CheckSDP(cmd *busv1.Command) *Error {
	sdp := cmd.GetMessage().GetJsep().GetSdp()
	sections := strings.Count(sdp, "\nm=") // an SDP does not begin with one
	for _, c := range []struct {
		is, most int
		what     string
	}{{len(sdp), l.SDPBytes, "bytes"}, {strings.Count(sdp, "\n"), l.SDPLines, "lines"}, {sections, l.SDPSections, "m= sections"}} {
		if c.most > 0 && c.is > c.most {
			return instead(cmd, newError(CodeJSEPInvalidSDP, "JSEP error: %d %s in SDP, at most %d are taken", c.is, c.what, c.most))
		}
	}
	return nil
}

// CheckCandidates is CheckSDP's sibling for what is trickled.
func (l Limits) CheckCandidates(cmd *busv1.Command) *Error {
	if n := len(cmd.GetTrickle().GetCandidates()); l.Candidates > 0 && n > l.Candidates {
		return instead(cmd, newError(CodeUnknown, "Trickle error: %d candidates, at most %d are taken", n, l.Candidates))
	}
	return nil
}

// CheckHandleCandidates is CheckCandidates for a handle that has trickled so many before.
func (l Limits) CheckHandleCandidates(cmd *busv1.Command, before int) *Error {
	if n := before + len(cmd.GetTrickle().GetCandidates()); l.HandleCandidates > 0 && n > l.HandleCandidates {
		return instead(cmd, newError(CodeUnknown, "Trickle error: %d candidates since the last offer or answer, at most %d are taken", n, l.HandleCandidates))
	}
	return nil
}

func instead(cmd *busv1.Command, err *Error) *Error {
	cmd.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
	return err
}
