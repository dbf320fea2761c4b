package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// fake is as much of a Janus server as a run needs: one room, one publisher, and what that sends goes to all
// subscribers.
type fake struct {
	t        *testing.T
	url      string
	noMedia  bool // subscribers get none
	upgrader websocket.Upgrader
	serving  sync.WaitGroup

	mu     sync.Mutex
	tracks []*webrtc.TrackLocalStaticRTP
	rooms  int
}

func startFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, upgrader: websocket.Upgrader{Subprotocols: []string{"janus-protocol"}}}
	server := httptest.NewServer(http.HandlerFunc(f.serve))
	f.url = "ws" + strings.TrimPrefix(server.URL, "http") + "/"
	t.Cleanup(func() {
		server.Close()
		f.serving.Wait()
	})
	return f
}

// serve is one endpoint: a session with one handle, which has the PeerConnection pc.
func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.serving.Add(1)
	defer f.serving.Done()
	ws, err := f.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	var writing sync.Mutex
	send := func(o janus.Object) {
		writing.Lock()
		defer writing.Unlock()
		_ = ws.WriteJSON(o)
	}
	pc, err := f.newPeerConnection()
	if err != nil {
		f.t.Error(err)
		return
	}
	defer func() { _ = pc.GracefulClose() }()
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			send(janus.Object{"janus": "webrtcup"})
		}
	})
	for {
		var m struct {
			Janus, Transaction string
			Body               struct{ Request, Ptype string }
			JSEP               *janus.JSEP
		}
		_, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		if err := json.Unmarshal(b, &m); err != nil {
			f.t.Error(err)
			return
		}
		if m.Janus != "message" {
			send(janus.Object{"janus": "success", "transaction": m.Transaction, "data": janus.Object{"id": 1}})
			continue
		}
		data, jsep, err := f.answer(pc, m.Body.Request+m.Body.Ptype, m.JSEP)
		if err != nil {
			f.t.Error(err)
		}
		send(janus.Object{
			"janus": "event", "transaction": m.Transaction,
			"plugindata": janus.Object{"plugin": "janus.plugin.videoroom", "data": data}, "jsep": jsep,
		})
	}
}

func (f *fake) answer(pc *webrtc.PeerConnection, request string, jsep *janus.JSEP) (janus.Object, *janus.JSEP, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch request {
	case "create":
		f.rooms++
		return janus.Object{"videoroom": "created", "room": "r"}, nil, nil
	case "destroy":
		f.rooms--
		return janus.Object{"videoroom": "destroyed"}, nil, nil
	case "joinpublisher":
		return janus.Object{"videoroom": "joined", "id": 7}, nil, nil
	case "publish":
		pc.OnTrack(f.relay)
		if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: jsep.SDP}); err != nil {
			return nil, nil, err
		}
		answer, err := pc.CreateAnswer(nil)
		if err != nil {
			return nil, nil, err
		}
		jsep, err = settleFake(pc, answer)
		return janus.Object{"configured": "ok"}, jsep, err
	case "joinsubscriber":
		for _, track := range f.tracks {
			if _, err := pc.AddTrack(track); err != nil {
				return nil, nil, err
			}
		}
		offer, err := pc.CreateOffer(nil)
		if err != nil {
			return nil, nil, err
		}
		jsep, err = settleFake(pc, offer)
		return janus.Object{"videoroom": "attached"}, jsep, err
	case "start":
		err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: jsep.SDP})
		return janus.Object{"started": "ok"}, nil, err
	default:
		return janus.Object{"error_code": 423, "error": "Unknown request"}, nil, nil
	}
}

// relay copies what a publisher sends to whoever has joined or will.
func (f *fake) relay(from *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	to, err := webrtc.NewTrackLocalStaticRTP(from.Codec().RTPCodecCapability, from.Kind().String(), "fake")
	if err != nil {
		f.t.Error(err)
		return
	}
	f.mu.Lock()
	f.tracks = append(f.tracks, to)
	f.mu.Unlock()
	for buf := make([]byte, 1500); ; {
		n, _, err := from.Read(buf)
		if err != nil {
			return
		}
		if !f.noMedia {
			_, _ = to.Write(buf[:n])
		}
	}
}

func (f *fake) newPeerConnection() (*webrtc.PeerConnection, error) {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
}

func settleFake(pc *webrtc.PeerConnection, d webrtc.SessionDescription) (*janus.JSEP, error) {
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(d); err != nil {
		return nil, err
	}
	<-gathered
	return &janus.JSEP{Type: d.Type.String(), SDP: pc.LocalDescription().SDP}, nil
}
