package media

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// recorded is a file of a recording, taken apart.
type recorded struct {
	header struct {
		Type        string `json:"t"`
		Codec       string `json:"c"`
		Description string `json:"d"`
		E2EE        bool   `json:"e"`
	}
	frames [][]byte
}

func readRecording(t *testing.T, path string) recorded {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 10 || string(b[:8]) != "MJR00002" {
		t.Fatalf("%s begins with %q", path, b[:min(len(b), 10)])
	}
	var r recorded
	n := 10 + int(binary.BigEndian.Uint16(b[8:]))
	if err := json.Unmarshal(b[10:n], &r.header); err != nil {
		t.Fatal(err)
	}
	for b = b[n:]; len(b) > 0; {
		n := 10 + int(binary.BigEndian.Uint16(b[8:]))
		r.frames = append(r.frames, b[10:n])
		b = b[n:]
	}
	return r
}

// packets are the file's frames as RTP; there must be some, of one SSRC and without a gap.
func (r *recorded) packets(t *testing.T) []*rtp.Packet {
	t.Helper()
	var all []*rtp.Packet
	for _, f := range r.frames {
		p := new(rtp.Packet)
		if err := p.Unmarshal(f); err != nil {
			t.Fatal(err)
		}
		if n := len(all); n > 0 && (p.SSRC != all[0].SSRC || p.SequenceNumber != all[n-1].SequenceNumber+1) {
			t.Errorf("packet %d is %d of %d after %d of %d", n, p.SequenceNumber, p.SSRC, all[n-1].SequenceNumber, all[0].SSRC)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("no packets")
	}
	return all
}

// grown waits until a file has as many bytes.
func grown(t *testing.T, path string, size int64) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() >= size {
			return
		}
		if time.Now().After(deadline) {
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
			t.Fatalf("%s has not %d bytes; there are %q", path, size, files)
		}
	}
}

// recordingNode is a node with a folder for recordings.
func recordingNode(t *testing.T) (*system, string) {
	t.Helper()
	dir := t.TempDir()
	return start(t, func(c *Config) { c.RecordDir = dir }), dir
}

func (e *endpoint) record(r *mediav1.Recording) {
	e.t.Helper()
	if _, err := e.s.api.UpdatePublisher(e.t.Context(), &mediav1.UpdatePublisherRequest{Peer: e.id, Recording: r}); err != nil {
		e.t.Fatal(err)
	}
}

func TestRecording(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	pub := s.dial()
	audio, video := pub.send(webrtc.MimeTypeOpus, "a"), pub.send(webrtc.MimeTypeVP8, "v")
	dc, _, open := pub.channel("any")
	take := &mediav1.Recording{Base: "of/x", Take: 1, Descriptions: map[string]string{"1": "desk"}}
	withTake := func(r *mediav1.AcceptOfferRequest) { r.Recording = take }
	pub.publish("feed", withTake)
	s.awaitUp(pub.id)
	defer audio.play(t, 20*time.Millisecond)()
	defer video.play(t, 10*time.Millisecond)()
	await(t, "open channel", open)
	if err := dc.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x-audio-0", "x-video-1", "x-data-2"} {
		grown(t, filepath.Join(dir, "of", name+".mjr"), 50)
	}

	// A renegotiation, with a stream more, lets files grow and begins another.
	size := func(name string) int64 {
		info, err := os.Stat(filepath.Join(dir, "of", name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	second := pub.send(webrtc.MimeTypeVP8, "w")
	pub.publish("feed", withTake)
	defer second.play(t, 10*time.Millisecond)()
	grown(t, filepath.Join(dir, "of", "x-video-3.mjr"), 100)
	grown(t, filepath.Join(dir, "of", "x-video-1.mjr"), size("x-video-1.mjr")+100)

	pub.record(&mediav1.Recording{})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	a, v, d := readRecording(t, filepath.Join(dir, "of/x-audio-0.mjr")), readRecording(t, filepath.Join(dir, "of/x-video-1.mjr")),
		readRecording(t, filepath.Join(dir, "of/x-data-2.mjr"))
	if h := a.header; h.Type != "a" || h.Codec != "opus" || a.packets(t)[0].PayloadType != 111 {
		t.Errorf("audio %+v of type %d", h, a.packets(t)[0].PayloadType)
	}
	if h := v.header; h.Type != "v" || h.Codec != "vp8" || h.Description != "desk" || v.packets(t)[0].PayloadType != 96 {
		t.Errorf("video %+v", h)
	}
	if first := v.packets(t)[0].Payload; !bytes.Contains(first, []byte{0x9d, 0x01, 0x2a}) {
		t.Errorf("video begins with %x, which is no key frame", first)
	}
	if d.header.Type != "d" || len(d.frames) != 1 || string(d.frames[0][8:]) != "hello" {
		t.Errorf("data %+v %q", d.header, d.frames)
	}
}

func TestRecordingEndsAndBeginsAnew(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	pub := s.dial()
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	pub.publish("feed")
	s.awaitUp(pub.id)
	defer audio.play(t, 5*time.Millisecond)()
	pub.record(&mediav1.Recording{Base: "x", Take: 1})
	grown(t, filepath.Join(dir, "x-audio-0.mjr"), 100)
	pub.record(&mediav1.Recording{})
	pub.record(&mediav1.Recording{Base: "y", Stamped: true, Unnumbered: true, Take: 2})
	grown(t, filepath.Join(dir, "x-audio-0.mjr"), 100)
	var names []string
	for deadline := time.Now().Add(patience); len(names) == 0; time.Sleep(10 * time.Millisecond) {
		names, _ = filepath.Glob(filepath.Join(dir, "y-*-audio.mjr"))
		if time.Now().After(deadline) {
			t.Fatal("no second recording")
		}
	}
	grown(t, names[0], 100)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	var at int64
	if _, err := fmt.Sscanf(filepath.Base(names[0]), "y-%d-audio.mjr", &at); err != nil || time.Since(time.UnixMicro(at)) > time.Hour {
		t.Errorf("name %q: %v", names[0], err)
	}
	first, second := readRecording(t, filepath.Join(dir, "x-audio-0.mjr")), readRecording(t, names[0])
	first.packets(t)
	second.packets(t)
}

// TestCameraOffAndOnIsOneRecording: an m= section that is inactive for a while has one file, and one SSRC in it.
func TestCameraOffAndOnIsOneRecording(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	pub := s.dial()
	video := pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed", func(r *mediav1.AcceptOfferRequest) { r.Recording = &mediav1.Recording{Base: "x", Take: 1} })
	s.awaitUp(pub.id)
	stop := video.play(t, 10*time.Millisecond)
	path := filepath.Join(dir, "x-video-0.mjr")
	grown(t, path, 500)
	resume := pub.halt()
	stop()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	defer resume().play(t, 10*time.Millisecond)()
	grown(t, path, info.Size()+10_000) // more than came in the second between two writes
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	r := readRecording(t, path)
	r.packets(t)
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 1 {
		t.Errorf("files %q", files)
	}
}

func TestSimulcastIsRecordedAtItsBest(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	pub := s.dial()
	frame := pub.sendLayers()
	pub.publish("feed", func(r *mediav1.AcceptOfferRequest) { r.Recording = &mediav1.Recording{Base: "x", Take: 1} })
	s.awaitUp(pub.id)
	path := filepath.Join(dir, "x-video-0.mjr")
	for range 100 {
		frame()
		time.Sleep(10 * time.Millisecond)
	}
	grown(t, path, 500)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	r := readRecording(t, path)
	packets := r.packets(t)
	if last := packets[len(packets)-1].Payload; last[len(last)-1] != 'h' {
		t.Errorf("the last packet is of layer %q", last[len(last)-1])
	}
}

// TestLoudnessIsRecorded: packets in files say how loud they are, by the number that the publisher has for that.
func TestLoudnessIsRecorded(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	pub := s.dial(func(d *dialing) { d.extensions = append(d.extensions, "urn:ietf:params:rtp-hdrext:ssrc-audio-level") })
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	answer := pub.publish("feed", func(r *mediav1.AcceptOfferRequest) { r.Recording = &mediav1.Recording{Base: "x", Take: 1} })
	id := uint8(answer.GetStreams()[0].GetAudioLevelId())
	if id == 0 {
		t.Fatal("no audio level")
	}
	if err := audio.next.SetExtension(id, []byte{0x80 | 42}); err != nil {
		t.Fatal(err)
	}
	s.awaitUp(pub.id)
	stop := audio.play(t, 5*time.Millisecond)
	path := filepath.Join(dir, "x-audio-0.mjr")
	grown(t, path, 500)
	stop()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	r := readRecording(t, path)
	if got := r.packets(t)[0]; !bytes.Equal(got.GetExtension(id), []byte{0x80 | 42}) || len(got.GetExtensionIDs()) != 1 {
		t.Errorf("extensions %v, level %x", got.GetExtensionIDs(), got.GetExtension(id))
	}
}

// TestRedundancyIsTakenOffRecordings: what a file says is Opus is that, and what was lost and came again has its place.
func TestRedundancyIsTakenOffRecordings(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	pub := s.dial(withRedundancy)
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mimeRED, ClockRate: 48000, Channels: 2}, "a", "stream")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := pub.AddTrack(track)
	if err != nil {
		t.Fatal(err)
	}
	pub.drain(sender, func() {})
	pub.publish("feed", func(r *mediav1.AcceptOfferRequest) {
		r.Rules.OpusRed, r.Recording = true, &mediav1.Recording{Base: "x", Take: 1}
	})
	s.awaitUp(pub.id)
	const lost = 5 // of each ten
	path := filepath.Join(dir, "x-audio-0.mjr")
	enough := func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > 1000
	}
	for n, deadline := uint16(1), time.Now().Add(patience); !enough(); n++ {
		if time.Now().After(deadline) {
			t.Fatal("nothing is recorded")
		}
		if n%10 != lost {
			before := n - 1
			p := &rtp.Packet{
				Header: rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 960},
				// One block of 3 bytes, 960 earlier, then the packet's own.
				Payload: []byte{0x80 | payloadOpus, 960 >> 6, 960 << 2 & 0xff, 3, payloadOpus, 0xfc, byte(before), byte(before >> 8), 0xfc, byte(n), byte(n >> 8)},
			}
			if err := track.WriteRTP(p); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	r := readRecording(t, path)
	if r.header.Codec != "opus" {
		t.Errorf("header %+v", r.header)
	}
	restored := 0
	for i, p := range r.packets(t) {
		n := uint16(p.Timestamp / 960)
		if p.PayloadType != payloadOpus || !bytes.Equal(p.Payload, []byte{0xfc, byte(n), byte(n >> 8)}) {
			t.Fatalf("packet %d of type %d is %x, at %d", i, p.PayloadType, p.Payload, p.Timestamp)
		}
		if n%10 == lost {
			restored++
		}
	}
	if restored == 0 {
		t.Error("nothing of what was lost is there")
	}
}

// TestCallsAreRecorded: of a party of a call is recorded what it sends, and of the other nothing.
func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	al, bo := s.dial(), s.dial()
	al.playing()
	bo.playing()
	al.call(bo)
	s.awaitUp(al.id)
	s.awaitUp(bo.id)
	al.record(&mediav1.Recording{Base: "calls/al", Unnumbered: true, Take: 1})
	for _, kind := range []string{"audio", "video"} {
		grown(t, filepath.Join(dir, "calls", "al-"+kind+".mjr"), 1000)
	}
	al.record(&mediav1.Recording{})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	audio, video := readRecording(t, filepath.Join(dir, "calls/al-audio.mjr")), readRecording(t, filepath.Join(dir, "calls/al-video.mjr"))
	if p := audio.packets(t)[0]; audio.header.Type != "a" || audio.header.Codec != "opus" || p.Payload[0] != 0xfc {
		t.Errorf("audio %+v begins with %x", audio.header, p.Payload)
	}
	if p := video.packets(t)[0]; video.header.Type != "v" || video.header.Codec != "vp8" || !bytes.Contains(p.Payload, []byte{0x9d, 0x01, 0x2a}) {
		t.Errorf("video %+v begins with %x", video.header, p.Payload)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) != 2 {
		t.Errorf("files %q", files)
	}
}

// TestAbsoluteNamesAreWithinTheFolderOrNone: of one that leads elsewhere another is taken, with the time.
func TestAbsoluteNamesAreWithinTheFolderOrNone(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	for i, c := range []struct{ base, otherwise, files string }{
		{filepath.Join(dir, "calls", "x"), "unnamed", "calls/x-audio.mjr"}, {filepath.Join(dir, "..", "y"), "unnamed", "unnamed-*-audio.mjr"},
		{filepath.Join(dir, "..", "z"), filepath.Join(dir, "room", "unnamed"), "room/unnamed-*-audio.mjr"},
	} {
		pub := s.dial()
		audio := pub.send(webrtc.MimeTypeOpus, "a")
		pub.publish(fmt.Sprint("feed", i), func(r *mediav1.AcceptOfferRequest) {
			r.Recording = &mediav1.Recording{Base: c.base, Otherwise: c.otherwise, Take: 1, Unnumbered: true}
		})
		s.awaitUp(pub.id)
		defer audio.play(t, 20*time.Millisecond)()
		var files []string
		for deadline := time.Now().Add(patience); len(files) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			files, _ = filepath.Glob(filepath.Join(dir, c.files))
		}
		if len(files) != 1 {
			t.Fatalf("%s is in files %q", c.base, files)
		}
		d, err := s.api.DescribePeer(t.Context(), &mediav1.DescribePeerRequest{SessionId: pub.id.GetSessionId(), HandleId: pub.id.GetHandleId()})
		if err != nil {
			t.Fatal(err)
		}
		if told := d.GetSections()[0].GetRecording(); filepath.Join(dir, told) != files[0] {
			t.Errorf("%s is in %s, and told to be in %s", c.base, files[0], told)
		}
	}
}

// A recording that cannot be is no reason for a call not to be.
func TestCallsGoOnUnrecorded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dir, base string
	}{
		"no folder": {"", "x"}, "outside": {t.TempDir(), "../x"}, "absolute": {t.TempDir(), "/tmp/cardea-x"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(cfg *Config) { cfg.RecordDir = c.dir })
			pub := s.dial()
			audio := pub.send(webrtc.MimeTypeOpus, "a")
			pub.publish("feed", func(r *mediav1.AcceptOfferRequest) { r.Recording = &mediav1.Recording{Base: c.base, Take: 1} })
			s.awaitUp(pub.id)
			defer audio.play(t, 20*time.Millisecond)()
			sub := s.dial()
			sub.subscribe(slotFor("0", "feed", "0", "opus"))
			sub.track().next(t)
			if left, _ := filepath.Glob(filepath.Join(c.dir, "*")); c.dir != "" && len(left) != 0 {
				t.Errorf("files %q", strings.Join(left, " "))
			}
		})
	}
}
