package endpoint

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const testOffer = `v=0
a=group:BUNDLE 0 1
a=ice-lite
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:0
a=ice-ufrag:u
a=ice-pwd:p
a=fingerprint:sha-256 AA:BB
a=candidate:1 1 udp 1 192.0.2.1 5000 typ host
a=candidate:1 1 udp 1 2001:db8::1 5000 typ host
a=candidate:1 1 tcp 1 192.0.2.1 5000 typ host tcptype passive
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:5 urn:3gpp:video-orientation
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:1
a=rtpmap:111 opus/48000/2
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
`

func TestOffersAreReadAndAnswered(t *testing.T) {
	o, err := readOffer(strings.ReplaceAll(testOffer, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if o.ufrag != "u" || o.password != "p" || o.fingerprint != "sha-256 AA:BB" || !o.lite || o.transportCC != 3 ||
		!slices.Equal(o.candidates, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:5000")}) ||
		o.kinds[96] != videoMedia || o.kinds[97] != repairMedia || o.kinds[111] != audioMedia {
		t.Errorf("%+v", o)
	}
	at := netip.MustParseAddrPort("192.0.2.9:7000")
	for repair, c := range map[bool]struct{ has, lacks []string }{
		true: {
			has: []string{
				"a=group:BUNDLE 0 1\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n", "a=fmtp:97 apt=96\r\n", "a=rtcp-fb:96 nack\r\n", "a=extmap:3 ",
				"m=application 0 ", "a=candidate:1 1 udp 2130706431 192.0.2.9 7000 typ host", "a=setup:active", "a=fingerprint:sha-256 CC",
			},
			lacks: []string{"goog-remb", "orientation"},
		},
		false: {has: []string{"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "a=rtcp-fb:96 nack pli\r\n"}, lacks: []string{"rtx", "apt=96", "a=rtcp-fb:96 nack\r\n"}},
	} {
		answer := o.answer(credentials{"lu", "lp"}, "sha-256 CC", at, repair)
		for _, want := range c.has {
			if !strings.Contains(answer, want) {
				t.Errorf("repair %v: no %q in\n%s", repair, want, answer)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(answer, not) {
				t.Errorf("repair %v: %q in\n%s", repair, not, answer)
			}
		}
	}
}

func FuzzOffer(f *testing.F) {
	f.Add(testOffer)
	f.Fuzz(func(_ *testing.T, sdp string) {
		if o, err := readOffer(sdp); err == nil {
			o.answer(credentials{"u", "p"}, "sha-256 00", o.candidates[0], false)
		}
	})
}
