package eventhandler

import (
	"strings"
	"testing"
)

func TestCandidatesAreReadAndBounded(t *testing.T) {
	const one = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
	got := candidatesOf("v=0\r\n" + one + "a=mid:0\r\n")
	if len(got) != 1 || got[0] != "1 1 udp 1 192.0.2.1 9 typ host" {
		t.Errorf("got %q", got)
	}
	if got := candidatesOf(strings.Repeat(one, 1000)); len(got) != mostCandidates {
		t.Errorf("%d candidates, want %d", len(got), mostCandidates)
	}
}

func FuzzCandidates(f *testing.F) {
	f.Add("v=0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n")
	f.Fuzz(func(t *testing.T, sdp string) {
		for _, c := range candidatesOf(sdp) {
			if !strings.Contains(sdp, c) || strings.ContainsAny(c, "\n") {
				t.Errorf("%q is none of %q", c, sdp)
			}
		}
	})
}
