package sdp

import (
	"errors"
	"flag"
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
		d, err := Parse(strings.ReplaceAll(read(t, name), "a=setup:actpass\n", ""))
		if err != nil || d.Setup != "actpass" {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	d, err := Parse(strings.ReplaceAll(read(t, "chromium.offer.sdp"), "a=setup:actpass\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Accept(d, make([]Slot, len(d.Sections))); !errors.Is(err, ErrInvalid) {
		t.Errorf("an answer that does not say it: %v", err)
	}
}
