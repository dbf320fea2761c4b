//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// TestForwardedStreamsPlay has ffmpeg receive what Chromium publishes, in the clear and by SRTP, and decode it.
func TestForwardedStreamsPlay(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, s.URL, "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 8004, "publishers": 6, "fir_freq": 2, "videocodec": "vp8"})
	tab := chrome.Start(t).Open(t, "forwarded", demos.Serve(t, s.URL)+"/mvideoroomtest.html?room=8004&simulcast=true")
	tab.Click("#start")
	tab.Type("#username", "forwarded")
	tab.Click("#register")
	tab.WaitVideos(1, 40*time.Second)
	id := json.Number(strconv.FormatInt(chrome.Eval[int64](tab, `myid`), 10))
	tab.WaitFor("media", `sfutest.webrtcStuff.pc.connectionState === 'connected'`, 30*time.Second)

	const key, other = "WbTBosdVUZqEb6Htqhn+m3z7wUh4RJVR8nE15GbN", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
	for name, c := range map[string]struct {
		more      janus.Object // of the request
		simulcast bool         // the best layer goes to one port
		layers    int          // that each go to a port, else
		lines     string       // of the SDP
	}{
		"plain": {nil, true, 1, ""},
		"layer": {nil, false, 1, ""},
		"SRTP": {janus.Object{"srtp_suite": 80, "srtp_crypto": key}, true, 1,
			"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "\n"},
		"three layers": {nil, false, 3, ""},
		"three layers by SRTP": {janus.Object{"srtp_suite": 32, "srtp_crypto": other}, false, 3,
			"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" + other + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			profile := "RTP/AVP"
			if c.lines != "" {
				profile = "RTP/SAVP"
			}
			audio := proc.FreePort(t)
			sdp := fmt.Sprintf("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"+
				"m=audio %d %s 111\na=rtpmap:111 opus/48000/2\n%s", audio, profile, c.lines)
			item := janus.Object{"mid": "1", "simulcast": c.simulcast}
			for _, suffix := range []string{"", "_2", "_3"}[:c.layers] {
				video := proc.FreePort(t)
				item["port"+suffix], item["pt"+suffix] = video, 96
				sdp += fmt.Sprintf("m=video %d %s 96\na=rtpmap:96 VP8/90000\n%s", video, profile, c.lines)
			}
			dir := t.TempDir()
			path, out := filepath.Join(dir, "in.sdp"), filepath.Join(dir, "out.mkv")
			if err := os.WriteFile(path, []byte(sdp), 0o644); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			ffmpeg := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-protocol_whitelist", "file,udp,rtp,srtp",
				"-i", path, "-t", "4", "-map", "0", "-c", "copy", "-y", out)
			said := make(chan string, 1)
			go func() {
				b, err := ffmpeg.CombinedOutput()
				said <- fmt.Sprintf("%s %v", b, err)
			}()
			request := janus.Object{
				"request": "rtp_forward", "room": 8004, "publisher_id": id, "host": "127.0.0.1",
				"streams": []janus.Object{{"mid": "0", "port": audio, "pt": 111}, item},
			}
			maps.Copy(request, c.more)
			must(ctx, t, conn, session, handle, request)
			words := <-said
			probe(ctx, t, out, "a", "opus", 1, words)
			probe(ctx, t, out, "v", "vp8", c.layers, words)
		})
	}
}

// probe has ffprobe look at the streams of a kind in a file: there should be as many, each of another width, and of that codec.
func probe(ctx context.Context, t *testing.T, file, kind, codec string, want int, words string) {
	t.Helper()
	b, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", kind, "-count_frames",
		"-show_entries", "stream=codec_name,width,nb_read_frames", "-of", "json", file).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v; ffmpeg said %s", err, words)
	}
	var probed struct {
		Streams []struct {
			Codec  string `json:"codec_name"`
			Width  int    `json:"width"`
			Frames string `json:"nb_read_frames"`
		}
	}
	if err := json.Unmarshal(b, &probed); err != nil || len(probed.Streams) != want {
		t.Fatalf("ffprobe says %s; ffmpeg said %s", b, words)
	}
	widths := map[int]bool{}
	for _, got := range probed.Streams {
		widths[got.Width] = true
		if frames, _ := strconv.Atoi(got.Frames); got.Codec != codec || frames < 10 {
			t.Errorf("%+v; ffmpeg said %s", got, words)
		}
		t.Logf("%+v", got)
	}
	if len(widths) != want {
		t.Errorf("%d widths of %d streams", len(widths), want)
	}
}
