package node

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/linktest"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	framesASecond = 25
	packetBytes   = 1100
	keyframeAfter = 100 * time.Millisecond // it was asked for: the way to the publisher, and an encoder
	keyframeSize  = 3                      // times that of others
)

// camera is a publisher of three layers of video, and of a voice.
type camera struct {
	stream, voice *forward.Stream
	rates         []float64 // of layers, bits a second
	due           [forward.MaxLayers]time.Duration
	seqs          [forward.MaxLayers]uint16
	frames        int
	samples       uint16
	now           time.Duration
}

func newCamera() *camera {
	c := &camera{rates: []float64{150e3, 500e3, 1500e3}}
	cfg := forward.StreamConfig{Codec: codec.VP8, Layers: 3, NACK: true, Upstream: c, Observer: c}
	c.stream = forward.NewStream(cfg)
	cfg.Codec, cfg.Layers = codec.Opus, 1
	c.voice = forward.NewStream(cfg)
	return c
}

func (c *camera) RequestKeyframe(ssrc uint32) bool {
	if layer := int(ssrc); c.due[layer] == 0 {
		c.due[layer] = c.now + keyframeAfter
	}
	return true
}

func (*camera) SendNACK(uint32, []uint16) {}
func (*camera) Receiving(int, bool)       {}
func (*camera) Talking(bool, float64)     {}

// run has the node receive what there is at a time: a frame each 40 ms, and a packet of audio each 20.
func (c *camera) run(now time.Duration) {
	c.now = now
	since := now - linktest.Epoch
	if since%(20*time.Millisecond) == 0 {
		c.samples++
		c.voice.Receive(0, &packet.Packet{
			Header: packet.Header{SSRC: 9, Seq: c.samples, Timestamp: 960 * uint32(c.samples)}, Payload: make([]byte, 80), Arrival: now,
		})
		c.voice.Flush(now)
	}
	if since%(time.Second/framesASecond) == 0 {
		for layer := range c.rates {
			c.frame(layer)
		}
		c.frames++
		c.stream.Flush(now)
	}
	if since%(10*time.Millisecond) == 0 {
		c.stream.Tick(now)
		c.voice.Tick(now)
	}
}

func (c *camera) frame(layer int) {
	key := c.frames == 0 || c.due[layer] != 0 && c.now >= c.due[layer]
	size := int(c.rates[layer] / 8 / framesASecond)
	if key {
		c.due[layer] = 0
		size *= keyframeSize
	}
	for first := true; size > 0; first = false {
		n := min(size, packetBytes)
		size -= n
		b := []byte{0x80, 0x80, 0x80 | byte(c.frames>>8), byte(c.frames), 1}
		if first {
			b[0] |= 0x10 // a frame starts
		}
		if key {
			b[4] = 0
		}
		c.seqs[layer]++
		c.stream.Receive(layer, &packet.Packet{
			Header: packet.Header{
				SSRC: uint32(layer), Seq: c.seqs[layer], Timestamp: uint32(90000 / framesASecond * c.frames), Marker: size == 0,
			},
			Payload: append(b, make([]byte, n)...), Arrival: c.now,
		})
	}
}

// viewer is a subscriber behind a link, with the node's half of it.
type viewer struct {
	t       *testing.T
	link    *linktest.Link
	peer    *peer
	cameras []*camera
	now     time.Duration
	buffer  [packet.MaxSize + 100]byte
	ids     packet.ExtensionIDs
	kinds   map[uint32]linktest.Kind // by SSRC
	hear    feedback.Handler
	voices  []time.Duration // delay of each packet of audio since the last look
	layers  []int           // of each camera, as told last
	padding int             // bytes
}

// shows is a viewer's forward.LegObserver of one camera.
type shows struct {
	v      *viewer
	camera int
}

func (s shows) SubstreamChanged(n int) { s.v.layers[s.camera] = n }
func (shows) TemporalChanged(int)      {}
func (shows) SpatialLayerChanged(int)  {}
func (shows) TemporalLayerChanged(int) {}

func newViewer(t *testing.T, link linktest.Link, cameras int) *viewer {
	v := &viewer{
		t: t, link: &link, peer: &peer{node: &Node{}}, kinds: map[uint32]linktest.Kind{},
		ids: packet.ExtensionIDs{TransportCC: 1, MID: 2, AbsSendTime: 3}, now: linktest.Epoch,
	}
	link.Start(1)
	v.peer.subscribing.init(v.peer)
	b := v.bandwidth()
	v.hear.Arrivals = func(a *feedback.Arrivals) { b.feedback(a, v.now) }
	for i := range cameras {
		c := newCamera()
		v.cameras, v.layers = append(v.cameras, c), append(v.layers, -1)
		v.add(c.stream, codec.VP8, uint32(100*i+1), uint32(100*i+2), i)
		v.add(c.voice, codec.Opus, uint32(100*i+3), 0, i)
	}
	return v
}

func (v *viewer) bandwidth() *bandwidth { return &v.peer.subscribing.bandwidth }

func (v *viewer) add(s *forward.Stream, c codec.Codec, ssrc, rtx uint32, camera int) {
	l := forward.NewLeg(forward.LegConfig{
		Codec: c, SSRC: ssrc, RTXSSRC: rtx, RTXPayloadType: 97, PayloadType: 96, NACK: rtx != 0, Extensions: v.ids, MID: "0",
		Sender: v, Observer: shows{v, camera},
	})
	l.Connect(s, v.now)
	l.SetFlowing(true, v.now)
	v.kinds[ssrc], v.kinds[rtx] = linktest.Video, linktest.Padding
	if c.Audio() {
		v.kinds[ssrc] = linktest.Audio
	}
	sub := &v.peer.subscribing
	sl := &slot{subscriber: sub, leg: l}
	sl.offered.Sent.SSRC = ssrc
	sub.slots = append(sub.slots, sl)
	sub.legs[ssrc] = &outbound{leg: l, video: !c.Audio()}
}

func (v *viewer) Buffer() []byte { return v.buffer[:0] }

func (v *viewer) NextTransportSeq(now time.Duration) uint16 { return v.bandwidth().begin(now) }

func (v *viewer) SendRTP(header, payload []byte) {
	b := append(header, payload...)
	v.bandwidth().sent(len(b))
	var p packet.Packet
	if err := p.Parse(b, &v.ids); err != nil {
		v.t.Fatal(err)
	}
	kind := v.kinds[binary.BigEndian.Uint32(b[8:])]
	if kind == linktest.Padding {
		v.padding += len(b)
	}
	v.link.Send(linktest.Datagram{Seq: p.Ext.TransportSeq, Size: len(b) + 44, Kind: kind})
}

// run lets time go by until what is awaited holds, or for as long as is given, and returns how long that was.
func (v *viewer) run(most time.Duration, until func() bool) time.Duration {
	begun := v.now
	for v.now-begun < most && (until == nil || !until()) {
		for _, c := range v.cameras {
			c.run(v.now)
		}
		if (v.now-linktest.Epoch)%(10*time.Millisecond) == 0 {
			v.bandwidth().step(v.now)
		}
		arrived, reports := v.link.Pass()
		v.now = v.link.Now()
		for _, d := range arrived {
			if d.Kind == linktest.Audio {
				v.voices = append(v.voices, v.now-d.Sent-v.link.Way)
			}
		}
		for _, b := range reports {
			if err := v.hear.Handle(b); err != nil {
				v.t.Fatal(err)
			}
		}
	}
	return v.now - begun
}

// late is what 95 % of the audio since the last call took at most, beyond the way.
func (v *viewer) late() time.Duration {
	voices := slices.Sorted(slices.Values(v.voices))
	v.voices = nil
	return voices[len(voices)*95/100]
}

func (v *viewer) counted() BandwidthCounters { return v.peer.node.Bandwidth() }

// reaches fails if a camera's layer is not relayed in time.
func (v *viewer) reaches(camera, layer int, within time.Duration) {
	v.t.Helper()
	took := v.run(within, func() bool { return v.layers[camera] == layer })
	v.t.Logf("layer %d of camera %d after %v", layer, camera, took)
	if v.layers[camera] != layer {
		v.t.Fatalf("layer %d after %v, want %d: %+v", v.layers[camera], took, layer, v.counted())
	}
}

const wayLength = 30 * time.Millisecond

func wide(capacity linktest.Over) linktest.Link {
	return linktest.Link{Capacity: capacity, Queue: 64 << 10, Way: wayLength}
}

func TestAGoodNetworkGetsTheBestAtOnce(t *testing.T) {
	v := newViewer(t, wide(linktest.Constant(20e6)), 4)
	for i := range v.cameras {
		v.reaches(i, 2, 100*time.Millisecond)
	}
	v.run(time.Minute, nil)
	if got := v.counted(); got != (BandwidthCounters{}) || v.padding != 0 {
		t.Errorf("counted %+v, %d bytes of padding", got, v.padding)
	}
}

func TestLayersFollowTheLink(t *testing.T) {
	v := newViewer(t, wide(linktest.Between(10*time.Second, 40*time.Second, 4e5, 3e6)), 1)
	v.reaches(0, 2, 100*time.Millisecond)
	v.run(linktest.Epoch+10*time.Second-v.now, nil)
	v.reaches(0, 0, 2*time.Second)
	v.run(3*time.Second, nil) // the queue empties
	v.late()
	v.run(linktest.Epoch+40*time.Second-v.now, nil)
	if late := v.late(); late > 100*time.Millisecond {
		t.Errorf("audio takes %v", late)
	}
	if v.layers[0] != 0 {
		t.Errorf("layer %d", v.layers[0])
	}
	v.reaches(0, 2, 10*time.Second)
	v.run(20*time.Second, nil)
	if v.layers[0] != 2 {
		t.Errorf("layer %d", v.layers[0])
	}
	if got := v.counted(); got.Downgrades < 1 || got.Downgrades > 4 || got.Pauses != 0 || got.Probes == 0 {
		t.Errorf("counted %+v", got)
	}
}

func TestVideoPausesBeforeAudioSuffers(t *testing.T) {
	link := wide(linktest.Between(10*time.Second, 30*time.Second, 9e4, 2e6))
	link.Queue = 16 << 10 // more takes longer to empty than a test should
	v := newViewer(t, link, 1)
	v.run(10*time.Second, nil)
	took := v.run(5*time.Second, func() bool { return v.counted().Pauses > 0 })
	t.Logf("paused after %v", took)
	v.run(7*time.Second, nil) // the queue empties
	v.late()
	v.run(linktest.Epoch+30*time.Second-v.now, nil)
	if late := v.late(); late > 150*time.Millisecond {
		t.Errorf("audio takes %v", late)
	}
	leg := v.peer.subscribing.slots[0].leg
	if !leg.Allowed().Paused {
		t.Error("video is not paused")
	}
	took = v.run(15*time.Second, func() bool { return !leg.Allowed().Paused })
	t.Logf("resumed after %v", took)
	v.reaches(0, 2, 20*time.Second)
}

func TestTwoVideosShareALink(t *testing.T) {
	v := newViewer(t, wide(linktest.Constant(1.5e6)), 2)
	v.run(10*time.Second, nil)
	v.late()
	for range 20 {
		v.run(time.Second, nil)
		for i, layer := range v.layers {
			if layer != 1 {
				t.Errorf("layer %d of camera %d at %v", layer, i, v.now-linktest.Epoch)
			}
		}
	}
	if late := v.late(); late > 100*time.Millisecond {
		t.Errorf("audio takes %v", late)
	}
	if share := float64(8*v.padding) / (v.now - linktest.Epoch).Seconds() / 1.5e6; share > 0.05 {
		t.Errorf("%.1f %% of the link is padding", 100*share)
	}
}

func TestWithoutFeedbackEverythingIsRelayed(t *testing.T) {
	link := wide(linktest.Constant(4e5))
	link.Deaf = linktest.Constant(1)
	v := newViewer(t, link, 1)
	v.run(20*time.Second, nil)
	if v.layers[0] != 2 || v.counted() != (BandwidthCounters{}) {
		t.Errorf("layer %d, counted %+v", v.layers[0], v.counted())
	}
}

func TestREMBLimitsWhoeverSendsNothingElse(t *testing.T) {
	link := wide(linktest.Constant(5e6))
	link.Deaf = linktest.Constant(1)
	v := newViewer(t, link, 1)
	v.run(2*time.Second, nil)
	v.bandwidth().remb(700_000, v.now)
	v.reaches(0, 1, 2*time.Second)
	v.bandwidth().remb(250_000, v.now)
	v.reaches(0, 0, 2*time.Second)
	v.bandwidth().remb(3_000_000, v.now)
	v.reaches(0, 2, 5*time.Second)
}

func TestAllocatingAllocatesNothing(t *testing.T) {
	v := newViewer(t, wide(linktest.Constant(6e5)), 1)
	v.run(10*time.Second, nil)
	b := v.bandwidth()
	if n := testing.AllocsPerRun(100, func() {
		v.now += allocateEvery
		b.step(v.now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
