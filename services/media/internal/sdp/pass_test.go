package sdp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) *Description {
	t.Helper()
	d, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// forEach is what is said to be sent in each m= section.
func forEach(n int) []Sent {
	sent := make([]Sent, n)
	for i := range sent {
		sent[i] = Sent{MSID: "stream track", SSRC: uint32(1000 + 2*i), RTX: uint32(1001 + 2*i)}
	}
	return sent
}

func TestPassedOffers(t *testing.T) {
	for _, name := range []string{"chromium", "firefox"} {
		t.Run(name, func(t *testing.T) {
			sections := Pass(parsed(t, read(t, name+".offer.sdp")))
			golden(t, name+".passed.sdp", Relay(&here, sections, forEach(len(sections))))
		})
	}
}

// An endpoint is told what the other one has answered, and may send layers if it has offered to.
func TestPassedAnswers(t *testing.T) {
	offer := parsed(t, strings.ReplaceAll(read(t, "chromium.offer.sdp"), "a=sendonly", "a=sendrecv"))
	sections := Pass(offer)
	local := here
	local.Setup = "active"
	answer := parsed(t, Relay(&local, sections, forEach(len(sections)))) // by an endpoint that takes all
	a, err := Agree(offer, answer)
	if err != nil {
		t.Fatal(err)
	}
	told := Relay(&here, a.Answer, forEach(len(sections)))
	golden(t, "chromium.passed-back.sdp", told)
	for i := range a.Offerer {
		o, n := &a.Offerer[i], &a.Answerer[i]
		if o.Kind == Video && (len(o.RIDs) != 3 || n.Simulcast || !strings.Contains(told, "a=simulcast:recv h;m;l\r\n") || o.IDs.RID == 0 || o.Out.IDs.RID != 0) {
			t.Errorf("layers of %d: %v and %v", i, o.RIDs, n.RIDs)
		}
		if o.Kind != Data && (o.Format.PayloadType != o.Out.PayloadType || !o.Out.Ready || !n.Out.Ready) {
			t.Errorf("%d: %+v, %+v", i, o, n)
		}
	}
}

const call = `v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00
a=setup:SETUP
m=video 9 UDP/TLS/RTP/SAVPF FORMATS
a=mid:0
a=DIRECTION
`

func described(t *testing.T, setup, formats, direction string, lines ...string) *Description {
	t.Helper()
	text := strings.NewReplacer("SETUP", setup, "FORMATS", formats, "DIRECTION", direction).Replace(call)
	return parsed(t, text+strings.Join(lines, "\n")+"\n")
}

// Each endpoint is sent what it has named, and sends what the other one has.
func TestBothEndpointsHaveTheirOwnPayloadTypes(t *testing.T) {
	offer := described(t, "actpass", "96 97 102", "sendrecv", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
		"a=rtpmap:102 H264/90000", "a=extmap:3 "+uriMID, "a=extmap:4 "+uriPlayoutDelay, "a=extmap:5 "+uriVideoOrientation)
	answer := described(t, "active", "120 121", "sendrecv", "a=rtpmap:120 VP8/90000", "a=rtcp-fb:120 nack", "a=rtcp-fb:120 nack pli",
		"a=rtpmap:121 rtx/90000", "a=fmtp:121 apt=120", "a=extmap:4 "+uriPlayoutDelay)
	a, err := Agree(offer, answer)
	if err != nil {
		t.Fatal(err)
	}
	o, n := a.Offerer[0], a.Answerer[0]
	if o.Format.PayloadType != 120 || *o.RTX != 121 || o.Out.PayloadType != 96 || o.Out.RTX != 97 {
		t.Errorf("offerer: %+v, is sent %+v", o.Stream, o.Out)
	}
	if n.Format.PayloadType != 96 || *n.RTX != 97 || n.Out.PayloadType != 120 || n.Out.RTX != 121 {
		t.Errorf("answerer: %+v, is sent %+v", n.Stream, n.Out)
	}
	if !slices.Equal(o.Format.Feedback, []string{"nack"}) || !o.Out.NACK {
		t.Errorf("feedback %v", o.Format.Feedback)
	}
	if o.IDs.MID != 3 || o.IDs.PlayoutDelay != 4 || o.IDs.VideoOrientation != 0 || n.IDs.MID != 0 || n.IDs.PlayoutDelay != 4 {
		t.Errorf("extensions %+v and %+v", o.IDs, n.IDs)
	}
}

func TestDirectionsOfACall(t *testing.T) {
	for _, c := range []struct{ offer, answer, offerer, answerer Direction }{
		{SendRecv, SendRecv, SendRecv, SendRecv},
		{SendRecv, RecvOnly, RecvOnly, SendOnly},
		{SendRecv, SendOnly, SendOnly, RecvOnly},
		{SendRecv, Inactive, Inactive, Inactive},
		{SendOnly, RecvOnly, RecvOnly, SendOnly},
		{SendOnly, SendRecv, RecvOnly, SendOnly}, // more than was offered
		{RecvOnly, SendOnly, SendOnly, RecvOnly},
		{Inactive, Inactive, Inactive, Inactive},
	} {
		offer := described(t, "actpass", "96", string(c.offer), "a=rtpmap:96 VP8/90000")
		answer := described(t, "active", "96", string(c.answer), "a=rtpmap:96 VP8/90000")
		a, err := Agree(offer, answer)
		if err != nil {
			t.Fatal(err)
		}
		if o, n := a.Offerer[0].Direction, a.Answerer[0].Direction; o != c.offerer || n != c.answerer {
			t.Errorf("%s, %s: %s, %s", c.offer, c.answer, o, n)
		}
		if got := a.Answer[0].Direction; got != c.offerer {
			t.Errorf("%s, %s: the offerer is told %s", c.offer, c.answer, got)
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	offer := described(t, "actpass", "96", "sendrecv", "a=rtpmap:96 VP8/90000")
	for what, answer := range map[string]*Description{
		"another m=": parsed(t, strings.NewReplacer("SETUP", "active", "FORMATS", "0", "DIRECTION", "sendrecv", "m=video", "m=audio").Replace(call)),
		"other mid":  parsed(t, strings.NewReplacer("SETUP", "active", "FORMATS", "96", "DIRECTION", "sendrecv", "a=mid:0", "a=mid:1").Replace(call)),
	} {
		if _, err := Agree(offer, answer); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	a, err := Agree(offer, described(t, "active", "98", "sendrecv", "a=rtpmap:98 VP9/90000"))
	if err != nil || !a.Offerer[0].Refused || !a.Answerer[0].Refused || !a.Answer[0].Refused {
		t.Errorf("no codec in common: %+v, %v", a, err)
	}
	if text := Relay(&here, a.Answer, forEach(1)); !strings.Contains(text, "m=video 0 ") {
		t.Error(text)
	}
}

// What is passed on can be read again, whatever came.
func FuzzPass(f *testing.F) {
	text := strings.NewReplacer("SETUP", "actpass", "FORMATS", "96 97", "DIRECTION", "sendrecv").Replace(call) + "a=rtpmap:96 VP8/90000\na=msid:a b\n"
	answer := strings.Replace(text, "actpass", "active", 1)
	f.Add(text, answer)
	f.Add(text, strings.Replace(answer, "VP8", "H264", 1))
	f.Fuzz(func(t *testing.T, one, other string) {
		offer, err := Parse(one)
		if err != nil {
			return
		}
		sections := Pass(offer)
		if slices.ContainsFunc(sections, func(p Passed) bool { return !p.Refused }) { // else there is no transport
			if _, err := Parse(Relay(&here, sections, forEach(len(sections)))); err != nil {
				t.Fatalf("offer: %v", err)
			}
		}
		answer, err := Parse(other)
		if err != nil {
			return
		}
		a, err := Agree(offer, answer)
		if err != nil {
			return
		}
		if slices.ContainsFunc(a.Answer, func(p Passed) bool { return !p.Refused }) {
			if _, err := Parse(Relay(&here, a.Answer, forEach(len(sections)))); err != nil {
				t.Fatalf("answer: %v", err)
			}
		}
	})
}
