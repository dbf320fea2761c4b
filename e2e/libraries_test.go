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

	janus "github.com/notedit/janus-go"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/e2e/internal/clients"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// library is a client library in the middle of a call: the media is the test's.
type library interface {
	publish(offer string) (answer string)
	subscribe() (offer string)
	start(answer string) // returns when the subscription is up
	end()
}

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

func (s *script) publish(offer string) (answer string) {
	s.t.Helper()
	s.say(line{Offer: offer})
	return s.hear().Answer
}

func (s *script) subscribe() (offer string) { s.t.Helper(); return s.hear().Offer }

func (s *script) start(answer string) {
	s.t.Helper()
	s.say(line{Answer: answer})
	if !s.hear().Watching {
		s.t.Fatal("it does not watch")
	}
}

func (s *script) end() {
	s.t.Helper()
	s.say(line{Heard: true})
	if !s.hear().Done {
		s.t.Error("it has not come to its end")
	}
}

// gateway is notedit's janus-go.
type gateway struct {
	t                     *testing.T
	conn                  *janus.Gateway
	session               *janus.Session
	publisher, subscriber *janus.Handle
}

const gatewayRoom = 8021

type body = map[string]any

func startGateway(t *testing.T, server string) *gateway {
	t.Helper()
	g := &gateway{t: t}
	var err error
	if g.conn, err = janus.Connect(server); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.conn.Close() })
	go func() { <-g.conn.GetErrChan() }() // it tells of the socket's end
	info, err := g.conn.Info()
	if err != nil || info.Plugins["janus.plugin.videoroom"].Name == "" {
		t.Fatalf("info: %+v, %v", info, err)
	}
	if g.session, err = g.conn.Create(); err != nil {
		t.Fatal(err)
	}
	g.publisher = g.attach()
	created, err := g.publisher.Request(body{"request": "create", "room": gatewayRoom, "publishers": 3})
	if err != nil || created.PluginData.Data["videoroom"] != "created" {
		t.Fatalf("create: %+v, %v", created, err)
	}
	return g
}

func (g *gateway) attach() *janus.Handle {
	g.t.Helper()
	h, err := g.session.Attach("janus.plugin.videoroom")
	if err != nil {
		g.t.Fatal(err)
	}
	return h
}

// ask sends a message and returns what has the SDP of its answer, which must have a member.
func (g *gateway) ask(h *janus.Handle, request body, jsep any, member, value string) string {
	g.t.Helper()
	answer, err := h.Message(request, jsep)
	if err != nil || answer.Plugindata.Data[member] != value {
		g.t.Fatalf("%v: %+v, %v", request["request"], answer, err)
	}
	sdp, _ := answer.Jsep["sdp"].(string)
	return sdp
}

// up waits for the handle's PeerConnection.
func (g *gateway) up(h *janus.Handle) {
	g.t.Helper()
	for deadline := time.After(time.Minute); ; {
		select {
		case event := <-h.Events:
			if _, ok := event.(*janus.WebRTCUpMsg); ok {
				return
			}
		case <-deadline:
			g.t.Fatal("no webrtcup")
		}
	}
}

func (g *gateway) publish(offer string) (answer string) {
	g.t.Helper()
	g.ask(g.publisher, body{"request": "join", "ptype": "publisher", "room": gatewayRoom, "id": 1}, nil, "videoroom", "joined")
	return g.ask(g.publisher, body{"request": "publish"}, body{"type": "offer", "sdp": offer}, "configured", "ok")
}

func (g *gateway) subscribe() (offer string) {
	g.t.Helper()
	g.up(g.publisher)
	g.subscriber = g.attach()
	return g.ask(g.subscriber, body{"request": "join", "ptype": "subscriber", "room": gatewayRoom, "feed": 1}, nil, "videoroom", "attached")
}

func (g *gateway) start(answer string) {
	g.t.Helper()
	g.ask(g.subscriber, body{"request": "start"}, body{"type": "answer", "sdp": answer}, "started", "ok")
	g.up(g.subscriber)
}

func (g *gateway) end() {
	g.t.Helper()
	if _, err := g.subscriber.Detach(); err != nil {
		g.t.Error(err)
	}
	if _, err := g.session.Destroy(); err != nil {
		g.t.Error(err)
	}
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

// TestClientLibraries has client libraries publish and subscribe, two from npm and one of Go's; the media is the test's.
func TestClientLibraries(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	for name, start := range map[string]func(context.Context, *testing.T) library{
		"janode":    func(ctx context.Context, t *testing.T) library { return startScript(ctx, t, "janode.mjs", s.URL) },
		"janus-api": func(ctx context.Context, t *testing.T) library { return startScript(ctx, t, "janus-api.cjs", s.URL) },
		"janus-go":  func(_ context.Context, t *testing.T) library { return startGateway(t, s.URL) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			client := start(ctx, t)
			publisher := loopbackConnection(t)
			track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "ada")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := publisher.AddTrack(track); err != nil {
				t.Fatal(err)
			}
			offer, err := publisher.CreateOffer(nil)
			take(t, publisher, webrtc.SDPTypeAnswer, client.publish(describe(t, publisher, offer, err)))
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
			take(t, subscriber, webrtc.SDPTypeOffer, client.subscribe())
			answer, err := subscriber.CreateAnswer(nil)
			client.start(describe(t, subscriber, answer, err))
			select {
			case <-enough:
			case <-ctx.Done():
				t.Fatalf("heard %d packets", heard.Load())
			}
			client.end()
		})
	}
}
