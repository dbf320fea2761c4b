package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// tally counts what people did, and what failed.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[what]++
}

func (t *tally) done(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[what]
}

// ends is how many processes were ended.
func (t *tally) ends() int { return t.done("killed") + t.done("restarted") }

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", what, t.counts[what]))
	}
	return strings.Join(parts, ", ")
}

const (
	rooms    = 4
	roomBase = 5000
	videos   = "janus.plugin.videoroom"
	patience = 15 * time.Second // for an answer
)

// crowd has people live one life after another until the time is over, and returns when all have left.
func (c *cluster) crowd(ctx context.Context, people int, d time.Duration, seed uint64, taken *tally) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var wg sync.WaitGroup
	for i := range people {
		draw := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for ctx.Err() == nil {
				p := &person{cluster: c, draw: draw, taken: taken}
				if err := p.live(ctx); err != nil && ctx.Err() == nil {
					taken.add("lives cut short") // as by a kill
				}
				p.leave()
				_ = pause(ctx, time.Duration(draw.IntN(1500))*time.Millisecond)
			}
		})
	}
	wg.Wait()
}

// person is one endpoint.
type person struct {
	cluster *cluster
	draw    *rand.Rand
	taken   *tally

	conn            *janus.Conn
	edge            int
	session         uint64
	publish, listen uint64 // handles
	room            int
	others          []uint64 // feeds that were there at the join
	sending         *webrtc.PeerConnection
	hearing         *webrtc.PeerConnection
	stop            func() // of what is sent
}

// live joins a room, does some things there, and returns when it is time to go.
func (p *person) live(ctx context.Context) error {
	if err := p.dial(ctx, p.draw.IntN(len(p.cluster.Edges))); err != nil {
		return err
	}
	var err error
	if p.session, err = p.conn.Create(p.within(ctx)); err != nil {
		return err
	}
	if p.publish, err = p.conn.Attach(p.within(ctx), p.session, videos); err != nil {
		return err
	}
	p.room = roomBase + p.draw.IntN(rooms)
	_, _ = p.conn.Message(p.within(ctx), p.session, p.publish, janus.Object{"request": "create", "room": p.room, "publishers": 100}, nil) // or it is there
	m, err := p.conn.Message(p.within(ctx), p.session, p.publish, janus.Object{"request": "join", "ptype": "publisher", "room": p.room}, nil)
	if err != nil {
		return err
	}
	p.taken.add("joined")
	var joined struct {
		Publishers []struct {
			ID uint64 `json:"id"`
		} `json:"publishers"`
	}
	if err := json.Unmarshal(m.Plugin.Data, &joined); err != nil {
		return err
	}
	for _, other := range joined.Publishers {
		p.others = append(p.others, other.ID)
	}
	for range 3 + p.draw.IntN(8) {
		if err := pause(ctx, time.Duration(200+p.draw.IntN(1800))*time.Millisecond); err != nil {
			return err
		}
		if err := p.act(ctx); err != nil {
			return err
		}
		_ = p.conn.KeepAlive(p.session)
	}
	return nil
}

// act does one thing.
func (p *person) act(ctx context.Context) error {
	switch n := p.draw.IntN(10); {
	case p.sending == nil && n < 6:
		return p.offer(ctx, "published")
	case p.sending != nil && n < 2:
		return p.offer(ctx, "renegotiated")
	case p.sending != nil && n == 2:
		_, err := p.conn.Message(p.within(ctx), p.session, p.publish, janus.Object{"request": "unpublish"}, nil)
		p.hangUp()
		p.taken.add("unpublished")
		return err
	case p.hearing == nil && len(p.others) > 0 && n < 8:
		return p.subscribe(ctx)
	case n == 8:
		return p.claim(ctx)
	}
	return nil
}

// claim goes on with the session on another socket, perhaps of another edge, as after a change of networks.
func (p *person) claim(ctx context.Context) error {
	_ = p.conn.Close()
	if err := p.dial(ctx, p.draw.IntN(len(p.cluster.Edges))); err != nil {
		return err
	}
	_, err := p.conn.Request(p.within(ctx), janus.Object{"janus": "claim", "session_id": p.session})
	if err == nil {
		p.taken.add("claimed")
	}
	return err
}

func (p *person) dial(ctx context.Context, edge int) (err error) {
	p.conn, err = janus.Dial(p.within(ctx), p.cluster.Edges[edge].URL, func(janus.Message) {})
	return err
}

// within bounds one request. The timer ends by itself.
func (p *person) within(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, patience)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func newPeerConnection() (*webrtc.PeerConnection, error) {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
}

// offer publishes a stream, or renegotiates with one more.
func (p *person) offer(ctx context.Context, what string) (err error) {
	if p.sending == nil {
		if p.sending, err = newPeerConnection(); err != nil {
			return err
		}
	}
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, fmt.Sprint("a", len(p.sending.GetTransceivers())), "s")
	if err != nil {
		return err
	}
	if _, err := p.sending.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		return err
	}
	offer, err := p.sending.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.sending)
	if err := p.sending.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	m, err := p.conn.Message(p.within(ctx), p.session, p.publish, janus.Object{"request": "configure", "audio": true},
		&janus.JSEP{Type: "offer", SDP: p.sending.LocalDescription().SDP})
	if err != nil {
		return err
	}
	if m.JSEP == nil {
		return fmt.Errorf("no answer to an offer: %s", m.Raw)
	}
	if err := p.sending.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.JSEP.SDP}); err != nil {
		return err
	}
	if p.stop == nil {
		p.stop = send(track)
	}
	p.taken.add(what)
	return nil
}

// send sends silence every 20 ms until the returned func is called.
func send(track *webrtc.TrackLocalStaticSample) func() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for pause(ctx, 20*time.Millisecond) == nil {
			_ = track.WriteSample(media.Sample{Data: []byte{0xf8, 0xff, 0xfe}, Duration: 20 * time.Millisecond})
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (p *person) subscribe(ctx context.Context) (err error) {
	if p.listen, err = p.conn.Attach(p.within(ctx), p.session, videos); err != nil {
		return err
	}
	var streams []janus.Object
	for _, feed := range p.others {
		streams = append(streams, janus.Object{"feed": feed})
	}
	p.others = nil
	m, err := p.conn.Message(p.within(ctx), p.session, p.listen, janus.Object{"request": "join", "ptype": "subscriber", "room": p.room, "streams": streams}, nil)
	if _, gone := err.(*janus.APIError); gone {
		return nil // they have left meanwhile
	} else if err != nil {
		return err
	}
	if m.JSEP == nil {
		return nil
	}
	if p.hearing, err = newPeerConnection(); err != nil {
		return err
	}
	if err := p.hearing.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: m.JSEP.SDP}); err != nil {
		return err
	}
	answer, err := p.hearing.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.hearing)
	if err := p.hearing.SetLocalDescription(answer); err != nil {
		return err
	}
	<-gathered
	if _, err = p.conn.Message(p.within(ctx), p.session, p.listen, janus.Object{"request": "start"},
		&janus.JSEP{Type: "answer", SDP: p.hearing.LocalDescription().SDP}); err == nil {
		p.taken.add("subscribed")
	}
	return err
}

func (p *person) hangUp() {
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
	if p.sending != nil {
		_ = p.sending.Close()
		p.sending = nil
	}
}

// leave ends everything: in good order, or by dropping the socket.
func (p *person) leave() {
	if p.conn != nil {
		if p.session != 0 && p.draw.IntN(3) > 0 {
			_, err := p.conn.Request(p.within(context.Background()), janus.Object{"janus": "destroy", "session_id": p.session})
			if err == nil {
				p.taken.add("destroyed")
			}
		} else {
			p.taken.add("dropped")
		}
		_ = p.conn.Close()
	}
	p.hangUp()
	if p.hearing != nil {
		_ = p.hearing.Close()
	}
}
