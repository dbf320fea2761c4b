//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
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

	const key = "WbTBosdVUZqEb6Htqhn+m3z7wUh4RJVR8nE15GbN"
	for name, c := range map[string]struct {
		more  janus.Object // of the request
		video janus.Object // of the video's item
		lines string       // of the SDP
	}{
		"plain": {nil, janus.Object{"simulcast": true}, ""},
		"layer": {nil, nil, ""},
		"SRTP": {janus.Object{"srtp_suite": 80, "srtp_crypto": key}, janus.Object{"simulcast": true},
			"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			audio, video := proc.FreePort(t), proc.FreePort(t)
			profile := "RTP/AVP"
			if c.lines != "" {
				profile = "RTP/SAVP"
			}
			sdp := fmt.Sprintf("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"+
				"m=audio %d %s 111\na=rtpmap:111 opus/48000/2\n%sm=video %d %s 96\na=rtpmap:96 VP8/90000\n%s",
				audio, profile, c.lines, video, profile, c.lines)
			dir := t.TempDir()
			path, out := filepath.Join(dir, "in.sdp"), filepath.Join(dir, "out.webm")
			if err := os.WriteFile(path, []byte(sdp), 0o644); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			ffmpeg := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-protocol_whitelist", "file,udp,rtp,srtp",
				"-i", path, "-t", "4", "-c:a", "copy", "-c:v", "copy", "-y", out)
			said := make(chan string, 1)
			go func() {
				b, err := ffmpeg.CombinedOutput()
				said <- fmt.Sprintf("%s %v", b, err)
			}()
			item := janus.Object{"mid": "1", "port": video, "pt": 96}
			for k, v := range c.video {
				item[k] = v
			}
			request := janus.Object{
				"request": "rtp_forward", "room": 8004, "publisher_id": id, "host": "127.0.0.1",
				"streams": []janus.Object{{"mid": "0", "port": audio, "pt": 111}, item},
			}
			for k, v := range c.more {
				request[k] = v
			}
			must(ctx, t, conn, session, handle, request)
			words := <-said
			for kind, codec := range map[string]string{"a": "opus", "v": "vp8"} {
				b, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", kind, "-count_frames",
					"-show_entries", "stream=codec_name,width,nb_read_frames", "-of", "json", out).Output()
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
				if err := json.Unmarshal(b, &probed); err != nil || len(probed.Streams) != 1 {
					t.Fatalf("ffprobe says %s; ffmpeg said %s", b, words)
				}
				got := probed.Streams[0]
				if frames, _ := strconv.Atoi(got.Frames); got.Codec != codec || frames < 10 {
					t.Errorf("%+v; ffmpeg said %s", got, words)
				}
				t.Logf("%+v", got)
			}
		})
	}
}
