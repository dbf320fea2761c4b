package sdp

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

var here = Local{
	Host:       netip.MustParseAddr("192.0.2.1"),
	Candidates: []string{"1 1 udp 1090519039 192.0.2.1 10000 typ host"},
	Ufrag:      "UFRAG", Pwd: "PASSWORDPASSWORDPASSWORD", Fingerprint: "sha-256 " + strings.Repeat("AA:", 31) + "AA", Setup: "passive",
	OriginID: 1, Version: 2, SessionName: "VideoRoom 1234",
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// golden compares SDP with a file, whose line ends are plain.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "\r\n", "\n")
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", name), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, name), got); diff != "" {
		t.Error(diff)
	}
}

func room() *Rules {
	return &Rules{
		AudioCodecs: []string{"opus", "pcmu"}, VideoCodecs: []string{"vp8", "h264"}, OpusFEC: true,
		AudioLevel: true, VideoOrientation: true, PlayoutDelay: true, TransportCC: true,
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, offer string
		change      func(*Rules)
	}{
		{"chromium", "chromium", func(*Rules) {}},
		{"firefox", "firefox", func(*Rules) {}},
		{"firefox-h264", "firefox", func(r *Rules) { r.VideoCodecs = []string{"av1", "h264"} }},
		{"firefox-refused-video", "firefox", func(r *Rules) { r.VideoCodecs = []string{"av1"} }},
		{"chromium-h264-profile", "chromium", func(r *Rules) { r.VideoCodecs, r.H264Profile = []string{"h264"}, "42e01f" }},
		{"chromium-red", "chromium", func(r *Rules) { r.OpusRED = true }},
		{"firefox-echo", "firefox", func(r *Rules) { r.Echo = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			offer, err := Parse(read(t, c.offer+".offer.sdp"))
			if err != nil {
				t.Fatal(err)
			}
			rules := room()
			c.change(rules)
			streams := Choose(offer, rules, nil)
			sent := make([]Sent, len(streams))
			for i := range sent {
				sent[i] = Sent{MSID: "janus janus" + streams[i].MID, SSRC: uint32(10 * (i + 1)), RTX: uint32(10*(i+1) + 1)}
			}
			answer := Answer(&here, streams, sent)
			golden(t, c.name+".answer.sdp", answer)
			if _, err := Parse(answer); err != nil {
				t.Errorf("our own answer: %v", err)
			}
		})
	}
}

func slots() []Slot {
	return []Slot{
		{MID: "0", Kind: Audio, Codec: "opus", FEC: true, AudioLevel: true, Active: true, Sent: Sent{MSID: "janus janus0", SSRC: 1}},
		{MID: "1", Kind: Video, Codec: "vp8", VideoOrientation: true, Active: true, Sent: Sent{MSID: "janus janus1", SSRC: 2, RTX: 3}},
		{MID: "2", Kind: Data, Active: true},
		{MID: "3", Kind: Video, Codec: "h264", H264Profile: "42e01f"},
		{MID: "5", Kind: Audio, Codec: "opus", RED: true, Active: true, Sent: Sent{SSRC: 6}},
		{MID: "4", Kind: Video, Codec: "vp9", VP9Profile: "2", Active: true, Sent: Sent{SSRC: 4, RTX: 5}},
	}
}

func TestOffer(t *testing.T) {
	local := here
	local.Setup = "actpass"
	for _, s := range slots() {
		if err := s.Valid(); err != nil {
			t.Error(err)
		}
	}
	golden(t, "offer.sdp", Offer(&local, slots()))
}

func TestAnswerSaysWhatIsReady(t *testing.T) {
	local := here
	text := Offer(&local, slots())
	text = strings.ReplaceAll(text, "sendonly", "recvonly")
	text = strings.Replace(text, "m=video 9 UDP/TLS/RTP/SAVPF 101 102", "m=video 0 UDP/TLS/RTP/SAVPF 101 102", 1)
	answer, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := Accept(answer, slots())
	if err != nil {
		t.Fatal(err)
	}
	var ready []bool
	for _, a := range accepted {
		ready = append(ready, a.Ready)
	}
	if diff := cmp.Diff([]bool{true, true, true, false, true, false}, ready); diff != "" {
		t.Error(diff)
	}
	if a := accepted[1]; a.PayloadType != 96 || a.RTX != 97 || !a.NACK || a.IDs.MID != idMID || a.IDs.AbsCaptureTime != idAbsCaptureTime {
		t.Errorf("video: %+v", a)
	}
	if with, without := accepted[4], accepted[0]; with.RED != payloadTypeRED || with.PayloadType != 111 || without.RED != 0 {
		t.Errorf("RED: %+v, %+v", with, without)
	}
	if _, err := Accept(answer, slots()[:4]); !errors.Is(err, ErrInvalid) {
		t.Errorf("answer with more than was offered: %v", err)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	good := read(t, "firefox.offer.sdp")
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for name, text := range map[string]string{
		"empty":                "",
		"words":                "nonsense",
		"no m= section":        good[:strings.Index(good, "m=audio")],
		"text":                 change("m=video", "m=text"),
		"long m= line":         change("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/TLS/RTP/SAVPF"+strings.Repeat(" 109", 60)),
		"too long":             good + strings.Repeat("a=x\n", maxSize/4),
		"attribute for naught": change("a=rtcp-mux", "a=x:"),
		"mid twice":            change("a=mid:1", "a=mid:0"),
		"no mid":               change("a=mid:1\n", ""),
		"many lines":           good + strings.Repeat("a=x\n", maxLines),
		"many short lines":     good + strings.Repeat("a=x\r", maxLines),
		"long mid":             change("a=mid:1", "a=mid:12345678901234567"),
		"odd mid":              change("a=mid:1", "a=mid:a b"),
		"no password":          strings.ReplaceAll(good, "a=ice-pwd:0e3f4a3b0a8c0d4fbb2d0b5f2b9f7a11\n", ""),
		"short password":       strings.ReplaceAll(good, "0e3f4a3b0a8c0d4fbb2d0b5f2b9f7a11", "0e3f"),
		"other fingerprint":    change("sha-256 45", "md5 45"),
		"short fingerprint":    change("45:AC:", ""),
		"odd setup":            change("a=setup:actpass", "a=setup:holdconn"),
		"payload type 128":     change("SAVPF 109", "SAVPF 128"),
		"odd rid":              change("a=rid:hi send", "a=rid:h\"i send"),
		"ssrc 0":               change("a=ssrc:1234567890", "a=ssrc:0"),
	} {
		if _, err := Parse(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCaptureTimeIsTaken(t *testing.T) {
	text := strings.ReplaceAll(read(t, "chromium.offer.sdp"), "a=rtcp-mux", "a=extmap:2 "+uriAbsCaptureTime+"\na=rtcp-mux")
	offer, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Choose(offer, room(), nil) {
		if s.Kind != Data && s.IDs.AbsCaptureTime != 2 {
			t.Errorf("%s: %+v", s.Kind, s.IDs)
		}
	}
}

// TestLayersAreTakenOfASectionThatIsInactive: without a=simulcast in the answer libwebrtc has only one from then on (RFC 8853, section
// 5.3.2).
func TestLayersAreTakenOfASectionThatIsInactive(t *testing.T) {
	offer, err := Parse(strings.Replace(read(t, "firefox.offer.sdp"), "a=simulcast:send hi;~lo", "a=simulcast:send hi;lo", 1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range offer.Sections {
		offer.Sections[i].Direction = Inactive
	}
	streams := Choose(offer, room(), nil)
	answer := Answer(&here, streams, make([]Sent, len(streams)))
	for _, line := range []string{"a=inactive", "a=rid:hi recv", "a=rid:lo recv", "a=simulcast:recv hi;lo"} {
		if !strings.Contains(answer, line) {
			t.Errorf("no %s in\n%s", line, answer)
		}
	}
}

func TestSectionsKeepTheirCodecs(t *testing.T) {
	offer, err := Parse(read(t, "chromium.offer.sdp"))
	if err != nil {
		t.Fatal(err)
	}
	codecs := func(streams []Stream) (all []string) {
		for _, s := range streams {
			if s.Kind != Data {
				all = append(all, s.Format.Codec)
			}
		}
		return all
	}
	asked := room()
	asked.AudioCodecs, asked.VideoCodecs = []string{"pcmu"}, []string{"h264"}
	first := Choose(offer, asked, nil)
	if diff := cmp.Diff([]string{"pcmu", "h264"}, codecs(first)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(codecs(first), codecs(Choose(offer, room(), first))); diff != "" {
		t.Errorf("at the next offer: %s", diff)
	}
	if diff := cmp.Diff([]string{"pcmu", "vp8"}, codecs(Choose(offer, room(), first[:1]))); diff != "" {
		t.Errorf("with a section that is new: %s", diff)
	}
	none := *offer
	none.Sections = slices.Clone(offer.Sections)
	none.Sections[1].Formats = slices.DeleteFunc(slices.Clone(none.Sections[1].Formats), func(f Format) bool { return f.Codec == "h264" })
	if again := Choose(&none, room(), first); !again[1].Refused {
		t.Errorf("%+v for a section that offers its codec no more", again[1])
	}
}

func TestLayersAreFoundBySSRC(t *testing.T) {
	offer := read(t, "firefox.offer.sdp")
	offer = strings.ReplaceAll(offer, "a=simulcast:send hi;~lo\n", "")
	offer = strings.Replace(offer, "a=rid:hi send\na=rid:lo send\n", "a=ssrc-group:FID 11 12\na=ssrc-group:FID 21 22\na=ssrc-group:SIM 11 21\n"+
		"a=ssrc:11 cname:x\na=ssrc:21 cname:x\na=ssrc:12 cname:x\na=ssrc:22 cname:x\n", 1)
	d, err := Parse(offer)
	if err != nil {
		t.Fatal(err)
	}
	video := d.Sections[1]
	if diff := cmp.Diff([]uint32{11, 21}, video.SSRCs); diff != "" || !video.Simulcast {
		t.Errorf("simulcast %v, layers %s", video.Simulcast, diff)
	}
	if diff := cmp.Diff(map[uint32]uint32{11: 12, 21: 22}, video.Repair); diff != "" {
		t.Error(diff)
	}
}

func TestLayersBeyondThreeAreLeftOut(t *testing.T) {
	offer := strings.Replace(read(t, "firefox.offer.sdp"), "a=simulcast:send hi;~lo", "a=rid:b send\na=rid:c send\na=simulcast:send hi;c;b;lo", 1)
	d, err := Parse(offer)
	if err != nil {
		t.Fatal(err)
	}
	streams := Choose(d, room(), nil)
	if diff := cmp.Diff([]string{"hi", "c", "b"}, streams[1].RIDs); diff != "" || !streams[1].Simulcast {
		t.Errorf("simulcast %v, layers %s", streams[1].Simulcast, diff)
	}
	if answer := Answer(&here, streams, make([]Sent, len(streams))); !strings.Contains(answer, "a=simulcast:recv hi;c;b\r\n") || strings.Contains(answer, "a=rid:lo") {
		t.Errorf("the answer is\n%s", answer)
	}
}

// TestLayersAreTakenIfPacketsTellThem: without a mid they do by a rid that only one m= section has.
func TestLayersAreTakenIfPacketsTellThem(t *testing.T) {
	good := read(t, "firefox.offer.sdp")
	video := good[strings.Index(good, "m=video"):strings.Index(good, "m=application")]
	second := strings.Replace(video, "a=mid:1", "a=mid:3", 1)
	mid := "a=extmap:3 " + uriMID + "\n"
	for name, c := range map[string]struct {
		offer string
		want  []int // how many layers
	}{
		"mids":            {good + second, []int{0, 2, 0, 2}},
		"no mid":          {strings.ReplaceAll(good, mid, ""), []int{0, 2, 0}},
		"no rid":          {strings.ReplaceAll(good, "a=extmap:8 "+uriRID+"\n", ""), []int{0, 0, 0}},
		"no mid, no rid":  {strings.ReplaceAll(strings.ReplaceAll(good, mid, ""), "a=extmap:8 "+uriRID+"\n", ""), []int{0, 0, 0}},
		"the same rids":   {strings.ReplaceAll(good+second, mid, ""), []int{0, 0, 0, 0}},
		"one of the same": {strings.ReplaceAll(good+strings.ReplaceAll(second, "lo", "low"), mid, ""), []int{0, 0, 0, 0}},
		"rids of its own": {strings.ReplaceAll(good+strings.NewReplacer("lo", "low", "hi", "high").Replace(second), mid, ""), []int{0, 2, 0, 2}},
	} {
		d, err := Parse(c.offer)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []int
		for _, s := range Choose(d, room(), nil) {
			got = append(got, len(s.RIDs))
			if s.Simulcast != (len(s.RIDs) > 0) {
				t.Errorf("%s: simulcast %v of %v", name, s.Simulcast, s.RIDs)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestH264OfOneUnitAPacketIsTakenWhereThereIsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		formats string // payload type and parameters
		profile string
		want    string // payload type; empty for refused
	}{
		"said":                      {"102 packetization-mode=0;profile-level-id=42e01f", "", "102"},
		"not said":                  {"102 profile-level-id=42e01f", "", "102"},
		"no parameters":             {"102", "", "102"},
		"the other is first":        {"102 packetization-mode=0|104 packetization-mode=1", "", "104"},
		"the other is last":         {"102 packetization-mode=1|104 packetization-mode=0", "", "102"},
		"the profile":               {"102 profile-level-id=42001f|104 profile-level-id=42e01f", "42E01F", "104"},
		"the profile of the first":  {"102 profile-level-id=42e01f|104 packetization-mode=1;profile-level-id=42001f", "42e01f", "104"},
		"the profile of the second": {"102 packetization-mode=1;profile-level-id=42001f|104 packetization-mode=1;profile-level-id=42e01f", "42e01f", "104"},
		"interleaved":               {"102 packetization-mode=2;profile-level-id=42e01f", "", ""},
		"nonsense":                  {"102 packetization-mode=x", "", ""},
	} {
		lines, numbers := "", ""
		for format := range strings.SplitSeq(c.formats, "|") {
			pt, parameters, _ := strings.Cut(format, " ")
			numbers += " " + pt
			lines += "a=rtpmap:" + pt + " H264/90000\n"
			if parameters != "" {
				lines += "a=fmtp:" + format + "\n"
			}
		}
		good := read(t, "firefox.offer.sdp")
		d, err := Parse(good[:strings.Index(good, "m=video")] + "m=video 9 UDP/TLS/RTP/SAVPF" + numbers + "\nc=IN IP4 0.0.0.0\na=mid:1\n" + lines)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rules := room()
		rules.VideoCodecs, rules.H264Profile = []string{"h264"}, c.profile
		got := ""
		if s := Choose(d, rules, nil)[1]; !s.Refused {
			got = formatNumber(s.Format.PayloadType)
		}
		if got != c.want {
			t.Errorf("%s: %q is taken, not %q", name, got, c.want)
		}
	}
}

func TestEachSectionIsEchoed(t *testing.T) {
	good := read(t, "firefox.offer.sdp")
	media := good[strings.Index(good, "m=audio"):]
	again := strings.NewReplacer("a=mid:0", "a=mid:3", "a=mid:1", "a=mid:4", "a=mid:2", "a=mid:5").Replace(media)
	d, err := Parse(good + again)
	if err != nil {
		t.Fatal(err)
	}
	rules := room()
	rules.Echo = true
	var refused []bool
	for _, s := range Choose(d, rules, nil) {
		refused = append(refused, s.Refused)
	}
	if diff := cmp.Diff([]bool{false, false, false, false, false, true}, refused); diff != "" { // there is one SCTP association
		t.Error(diff)
	}
}

func TestTheFingerprintThatTellsMostIsTaken(t *testing.T) {
	good := read(t, "firefox.offer.sdp")
	of := func(hash string, size int) string {
		return hash + " " + strings.TrimSuffix(strings.Repeat("AB:", size), ":")
	}
	weak, strong := of("sha-1", 20), of("sha-512", 64)
	at := strings.Index(good, "sha-256 ")
	given := good[at : at+len(of("sha-256", 32))]
	beside := func(before, after string) string {
		return strings.Replace(good, "a=fingerprint:"+given, before+"a=fingerprint:"+given+after, 1)
	}
	section := func(fingerprint string) string {
		return strings.Replace(good, "a=mid:1", "a=mid:1\na=fingerprint:"+fingerprint, 1)
	}
	for name, c := range map[string]struct{ offer, want string }{
		"alone":                {good, given},
		"a stronger one":       {beside("", "\na=fingerprint:"+strong), strong},
		"a stronger one first": {beside("a=fingerprint:"+strong+"\n", ""), strong},
		"a weaker one first":   {beside("a=fingerprint:"+weak+"\n", ""), given},
		"one that is unknown":  {beside("a=fingerprint:md5 AB:AB\n", ""), given},
		"one that is cut":      {beside("a=fingerprint:"+strong[:49]+"\n", ""), given},
		"only a stronger one":  {strings.Replace(good, given, strong, 1), strong},
		"of an m= section":     {section(weak), weak},
		"of none that we can":  {section("md5 AB:AB"), given},
	} {
		d, err := Parse(c.offer)
		if err != nil || d.Fingerprint != c.want {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
}

// TestWhatIsSaidOverAndOverIsKeptOnce: what an SDP costs does not grow with its lines times its m= sections or payload types.
func TestWhatIsSaidOverAndOverIsKeptOnce(t *testing.T) {
	good := read(t, "firefox.offer.sdp")
	var sessions, lines strings.Builder
	for i := range 800 {
		fmt.Fprintf(&sessions, "a=extmap:%d urn:x:%d\na=extmap:%d %s\n", i%200+1, i, i%200+1, uriTransportCC)
		fmt.Fprintf(&lines, "a=rtcp-fb:* nack\na=rtcp-fb:* x%d\na=rid:r%d send\n", i, i)
	}
	text := strings.Replace(good, "a=ice-options:trickle\n", "a=ice-options:trickle\n"+sessions.String(), 1)
	text = strings.Replace(text, "a=simulcast:send hi;~lo\n", "a=simulcast:send "+strings.Repeat("x;", 20000)+"hi\n"+lines.String(), 1)
	d, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Sections {
		if len(s.Extensions) > 4*len(uris) {
			t.Errorf("%d header extensions", len(s.Extensions))
		}
		for _, f := range s.Formats {
			if len(f.Feedback) > len(videoFeedback) {
				t.Errorf("%d kinds of feedback", len(f.Feedback))
			}
		}
	}
	if diff := cmp.Diff([]string{"hi"}, d.Sections[1].RIDs); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"chromium.offer.sdp", "firefox.offer.sdp", "offer.sdp"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, text string) {
		offer, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("error without a kind: %v", err)
			}
			return
		}
		rules := room()
		rules.OpusRED = true
		streams := Choose(offer, rules, nil)
		if !slices.ContainsFunc(streams, func(s Stream) bool { return !s.Refused }) {
			return // the answer has no transport
		}
		answer := Answer(&here, streams, make([]Sent, len(streams)))
		again, err := Parse(answer)
		if err != nil {
			t.Fatalf("answer cannot be read: %v\n%s", err, answer)
		}
		for i := range streams {
			if again.Sections[i].MID != streams[i].MID || again.Sections[i].Kind != streams[i].Kind {
				t.Errorf("m= section %d: %+v for %+v", i, again.Sections[i], streams[i])
			}
		}
		_, _ = Accept(offer, slots())
	})
}

// Janus takes such offers too.
func TestAnOfferThatDoesNotSayWhoIsDTLSClientLeavesItToTheAnswer(t *testing.T) {
	for _, name := range []string{"firefox.offer.sdp", "chromium.offer.sdp"} {
		d, err := Parse(strings.NewReplacer("a=setup:actpass\r\n", "", "a=setup:actpass\n", "").Replace(read(t, name)))
		if err != nil || d.Setup != "actpass" {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestAnswersThatDoNotSayWhoBeginsDTLS(t *testing.T) {
	answer := read(t, "firefox.offer.sdp")
	for said, want := range map[string]string{
		"a=setup:active\n": "active", "a=setup:passive\n": "passive", "a=setup:actpass\n": "passive", "": "active",
	} {
		d, err := ParseAnswer(strings.ReplaceAll(answer, "a=setup:actpass\n", said))
		if err != nil || d.Setup != want {
			t.Errorf("%q: %+v, %v", said, d, err)
		}
	}
}

func TestAnEchoHasTheProfileAskedForOrNone(t *testing.T) {
	offer, err := Parse(read(t, "chromium.offer.sdp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		codec, vp9, h264 string
		refused          bool
	}{
		{"vp9", "0", "", false}, {"vp9", "9", "", true}, {"h264", "", "42e01f", false}, {"h264", "", "ffffff", true}, {"vp8", "9", "ffffff", false},
	} {
		rules := room()
		rules.Echo, rules.VideoCodecs, rules.VP9Profile, rules.H264Profile = true, []string{c.codec}, c.vp9, c.h264
		for _, s := range Choose(offer, rules, nil) {
			if s.Kind == Video && s.Refused != c.refused {
				t.Errorf("%+v: refused %v", c, s.Refused)
			}
		}
	}
}
