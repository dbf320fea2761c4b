//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/e2e/internal/clients"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// script is one of Node.js's that says lines of JSON, and hears them.
type script struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Scanner
	name string
}

type line struct {
	Offer    string `json:"offer,omitempty"`
	Answer   string `json:"answer,omitempty"`
	Watching bool   `json:"watching,omitempty"`
	Heard    bool   `json:"heard,omitempty"`
	Done     bool   `json:"done,omitempty"`
}

func startScript(ctx context.Context, t *testing.T, name, server string) *script {
	t.Helper()
	cmd := exec.CommandContext(ctx, "node", filepath.Join(proc.Root(t), "e2e", "clients", name))
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(clients.Dir(t), "node_modules"), "SERVER="+server)
	log, err := os.Create(filepath.Join(proc.Artifacts(t), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = log.Close() })
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &script{t, in, lines, name}
}

func (s *script) say(l line) {
	s.t.Helper()
	b, err := json.Marshal(l)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(b, '\n')); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) hear() line {
	s.t.Helper()
	for s.out.Scan() {
		var l line
		if json.Unmarshal(s.out.Bytes(), &l) == nil { // libraries print words of their own
			return l
		}
	}
	b, _ := os.ReadFile(filepath.Join(proc.Artifacts(s.t), s.name+".log"))
	s.t.Fatalf("%s has ended: %s", s.name, b)
	return line{}
}

// loopbackConnection is a PeerConnection that also looks for candidates on loopback.
func loopbackConnection(t *testing.T) *webrtc.PeerConnection {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	return pc
}

// describe makes an offer or an answer the local one and returns it with all candidates.
func describe(t *testing.T, pc *webrtc.PeerConnection, d webrtc.SessionDescription, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(d); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return pc.LocalDescription().SDP
}

func take(t *testing.T, pc *webrtc.PeerConnection, kind webrtc.SDPType, sdp string) {
	t.Helper()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		t.Fatalf("%v\n%s", err, sdp)
	}
}

// TestClientLibraries has client libraries from npm publish and subscribe; the media is the test's.
func TestClientLibraries(t *testing.T) {
	s := cluster.StartStandalone(t)
	for _, name := range []string{"janode.mjs", "janus-api.cjs"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			client := startScript(ctx, t, name, s.URL)

			publisher := loopbackConnection(t)
			track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "ada")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := publisher.AddTrack(track); err != nil {
				t.Fatal(err)
			}
			offer, err := publisher.CreateOffer(nil)
			client.say(line{Offer: describe(t, publisher, offer, err)})
			take(t, publisher, webrtc.SDPTypeAnswer, client.hear().Answer)
			talking := make(chan struct{})
			go func() {
				defer close(talking)
				packet := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: []byte{0xf8, 0xff, 0xfe}}
				for ctx.Err() == nil {
					_ = track.WriteRTP(&packet)
					packet.SequenceNumber++
					packet.Timestamp += 960
					time.Sleep(20 * time.Millisecond)
				}
			}()
			defer func() { cancel(); <-talking }()

			subscriber := loopbackConnection(t)
			var heard atomic.Int32
			enough := make(chan struct{})
			subscriber.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
				for {
					if _, _, err := remote.ReadRTP(); err != nil {
						return
					}
					if heard.Add(1) == 20 {
						close(enough)
					}
				}
			})
			take(t, subscriber, webrtc.SDPTypeOffer, client.hear().Offer)
			answer, err := subscriber.CreateAnswer(nil)
			client.say(line{Answer: describe(t, subscriber, answer, err)})
			if !client.hear().Watching {
				t.Fatal("it does not watch")
			}
			select {
			case <-enough:
			case <-ctx.Done():
				t.Fatalf("heard %d packets", heard.Load())
			}
			client.say(line{Heard: true})
			if !client.hear().Done {
				t.Error("it has not come to its end")
			}
		})
	}
}
