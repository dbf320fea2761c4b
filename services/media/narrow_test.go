package media

import (
	"encoding/binary"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// narrow is a link between an endpoint and the node: what goes to the endpoint queues for its turn.
type narrow struct {
	t        *testing.T
	near     *net.UDPConn // that the endpoint talks to
	far      *net.UDPConn // that talks to the node
	endpoint atomic.Pointer[net.UDPAddr]
	rate     atomic.Int64 // bits a second; 0 for any
	queue    chan []byte
	lost     atomic.Int64 // for want of room
}

// newNarrow returns a link to the node of s that any rate passes.
func newNarrow(s *system) *narrow {
	s.t.Helper()
	l := &narrow{t: s.t, queue: make(chan []byte, 100)}
	loopback := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	var err error
	if l.near, err = net.ListenUDP("udp4", &loopback); err != nil {
		s.t.Fatal(err)
	}
	if l.far, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: loopback.IP, Port: int(s.addresses.Media)}); err != nil {
		s.t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(l.up)
	wg.Go(l.receive)
	wg.Go(l.down)
	s.t.Cleanup(func() {
		_ = l.near.Close()
		_ = l.far.Close()
		wg.Wait()
	})
	return l
}

// through makes the node's offer name the link in its place.
func (l *narrow) through(offer string, s *system) string {
	own := l.near.LocalAddr().(*net.UDPAddr)
	var lines []string
	for line := range strings.Lines(offer) {
		if strings.HasPrefix(line, "a=candidate") && strings.Contains(strings.ToLower(line), " tcp ") {
			continue
		}
		lines = append(lines, strings.Replace(line, " 127.0.0.1 "+port(s)+" ", " 127.0.0.1 "+portOf(own)+" ", 1))
	}
	return strings.Join(lines, "")
}

func portOf(a *net.UDPAddr) string {
	_, p, _ := net.SplitHostPort(a.String())
	return p
}

// up takes what the endpoint sends to the node, at once.
func (l *narrow) up() {
	b := make([]byte, 2048)
	for {
		n, from, err := l.near.ReadFromUDP(b)
		if err != nil {
			return
		}
		l.endpoint.Store(from)
		_, _ = l.far.Write(b[:n])
	}
}

func (l *narrow) receive() {
	defer close(l.queue)
	b := make([]byte, 2048)
	for {
		n, err := l.far.Read(b)
		if err != nil {
			return
		}
		select {
		case l.queue <- slices.Clone(b[:n]):
		default:
			l.lost.Add(1)
		}
	}
}

// down lets datagrams through, each when those before it have had their time.
func (l *narrow) down() {
	next := time.Now()
	for b := range l.queue {
		if now := time.Now(); next.Before(now) {
			next = now
		}
		if rate := l.rate.Load(); rate > 0 {
			next = next.Add(time.Duration(8*(len(b)+28)) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(next))
		}
		if to := l.endpoint.Load(); to != nil {
			_, _ = l.near.WriteToUDP(b, to)
		}
	}
}

// wide is a publisher of three layers that differ in size, as 150, 500 and 1500 kbit/s do, and of audio.
type wide struct {
	tracks []*webrtc.TrackLocalStaticRTP // h, m, l
	sizes  []int                         // of frames
	sender *webrtc.RTPSender
	seqs   [3]uint16
	frames int
	audio  *sample
}

const (
	framesASecond = 25
	packetBytes   = 1000
)

func (e *endpoint) sendWide() *wide {
	e.t.Helper()
	w := &wide{sizes: []int{7500, 2500, 750}}
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	for _, rid := range []string{"h", "m", "l"} {
		track, err := webrtc.NewTrackLocalStaticRTP(capability, "v", "stream", webrtc.WithRTPStreamID(rid))
		if err != nil {
			e.t.Fatal(err)
		}
		if w.sender == nil {
			w.sender, err = e.AddTrack(track)
		} else {
			err = w.sender.AddEncoding(track)
		}
		if err != nil {
			e.t.Fatal(err)
		}
		w.tracks = append(w.tracks, track)
	}
	e.drain(w.sender, func() {})
	w.audio = e.send(webrtc.MimeTypeOpus, "a")
	return w
}

// frame sends one of each layer. Each second has a key frame.
func (w *wide) frame(t *testing.T) {
	var midID, ridID uint8
	for _, x := range w.sender.GetParameters().HeaderExtensions {
		switch x.URI {
		case "urn:ietf:params:rtp-hdrext:sdes:mid":
			midID = uint8(x.ID)
		case "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id":
			ridID = uint8(x.ID)
		}
	}
	for i, track := range w.tracks {
		for left := w.sizes[i]; left > 0; left -= packetBytes {
			head := vp8Frame(w.frames%framesASecond == 0, w.frames)
			if left < w.sizes[i] {
				head[0] &^= 0x10 // goes on with the frame
			}
			p := rtp.Packet{
				Header: rtp.Header{
					Version: 2, Marker: left <= packetBytes, SequenceNumber: w.seqs[i], Timestamp: uint32(90000 / framesASecond * w.frames),
				},
				Payload: append(head, make([]byte, min(left, packetBytes))...),
			}
			p.Payload[len(p.Payload)-1] = track.RID()[0]
			w.seqs[i]++
			if p.SetExtension(midID, []byte("0")) != nil || p.SetExtension(ridID, []byte(track.RID())) != nil || track.WriteRTP(&p) != nil {
				t.Error("layer not sent")
				return
			}
		}
	}
	w.frames++
}

// play sends both until the test ends. Each packet of audio says when that was.
func (w *wide) play(t *testing.T) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	every := func(interval time.Duration, f func()) {
		wg.Go(func() {
			ticker := time.NewTicker(interval)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					f()
				case <-done:
					return
				}
			}
		})
	}
	every(time.Second/framesASecond, func() { w.frame(t) })
	every(20*time.Millisecond, func() {
		p := &w.audio.next
		p.Payload = binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
		if w.audio.track.WriteRTP(p) != nil {
			t.Error("audio not sent")
		}
		p.SequenceNumber++
		p.Timestamp += w.audio.step
	})
	t.Cleanup(func() { close(done); wg.Wait() })
}

// listener notes how late each packet of audio came, in order of arrival.
type listener struct {
	mu    sync.Mutex
	heard []hearing
}

type hearing struct {
	at   time.Time
	late time.Duration
	seq  uint16
}

func (h *listener) listen(r *received, done <-chan struct{}) {
	for {
		select {
		case p := <-r.packets:
			if len(p.Payload) == 8 {
				now := time.Now()
				late := now.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(p.Payload))))
				h.mu.Lock()
				h.heard = append(h.heard, hearing{now, late, p.SequenceNumber})
				h.mu.Unlock()
			}
		case <-done:
			return
		}
	}
}

// between returns the delay that 95 % of the packets heard in a time stayed below, and the share of them that was lost.
func (h *listener) between(from, to time.Time) (late time.Duration, lost float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var delays []time.Duration
	var first, last uint16
	for _, x := range h.heard {
		if x.at.After(from) && x.at.Before(to) {
			if len(delays) == 0 {
				first = x.seq
			}
			delays, last = append(delays, x.late), x.seq
		}
	}
	if len(delays) == 0 {
		return time.Hour, 1
	}
	slices.Sort(delays)
	return delays[len(delays)*95/100], 1 - float64(len(delays))/float64(last-first+1)
}

// lastSubstream returns which a subscriber was told of last, -1 for none, and how often it was told of any.
func (s *system) lastSubstream(id *mediav1.PeerID) (substream int32, events int) {
	substream = -1
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range s.events {
		if cmd.GetHandleId() != id.GetHandleId() {
			continue
		}
		if l := cmd.GetPeer().GetLayer(); l != nil && l.Substream != nil {
			substream = l.GetSubstream()
			events++
		}
	}
	return substream, events
}

// awaitSubstream returns how long it takes until that substream has been relayed for a second.
func (s *system) awaitSubstream(id *mediav1.PeerID, want int32, within time.Duration) time.Duration {
	s.t.Helper()
	begun := time.Now()
	since := time.Time{}
	for time.Since(begun) < within {
		if got, _ := s.lastSubstream(id); got != want {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		} else if time.Since(since) > time.Second {
			return since.Sub(begun)
		}
		time.Sleep(20 * time.Millisecond)
	}
	got, _ := s.lastSubstream(id)
	s.t.Fatalf("substream %d after %v, want %d", got, within, want)
	return 0
}

// narrowCall is a publisher of three layers and audio, and a subscriber behind a link, who gets the best.
type narrowCall struct {
	*system
	link *narrow
	sub  *endpoint
	ear  listener
}

func newNarrowCall(t *testing.T) *narrowCall {
	t.Helper()
	s := start(t)
	pub := s.dial()
	w := pub.sendWide()
	pub.publish("feed")
	s.awaitUp(pub.id)
	w.play(t)
	for layer := range uint32(3) {
		s.await(pub.id, "layer", func(e *busv1.PeerEvent) bool {
			m := e.GetMedia()
			return m.GetReceiving() && m.Substream != nil && m.GetSubstream() == layer
		})
	}
	c := &narrowCall{system: s, link: newNarrow(s), sub: s.dial(withTransportFeedback)}
	c.sub.answer(c.link.through(c.sub.makeOffer(slotFor("0", "feed", "1", "opus"), slotFor("1", "feed", "0", "vp8")), s))
	s.awaitUp(c.sub.id)
	done := make(chan struct{})
	var wg sync.WaitGroup
	t.Cleanup(func() { close(done); wg.Wait() })
	for range 2 {
		if track := c.sub.track(); track.Kind() == webrtc.RTPCodecTypeAudio {
			wg.Go(func() { c.ear.listen(track, done) })
		}
	}
	t.Logf("best layer after %v", s.awaitSubstream(c.sub.id, 2, patience))
	return c
}

// awaitAudio waits for two seconds in which audio is neither late nor lost, once the queue has emptied.
func (c *narrowCall) awaitAudio() {
	c.t.Helper()
	const length = 2 * time.Second
	begun := time.Now()
	for {
		from := time.Now()
		time.Sleep(length)
		late, lost := c.ear.between(from, time.Now())
		c.t.Logf("audio after %v: 95 %% within %v, %.1f %% lost; %d datagrams lost in all", time.Since(begun), late, 100*lost, c.link.lost.Load())
		if late < 300*time.Millisecond && lost < 0.02 {
			return
		}
		if time.Since(begun) > 2*patience {
			c.t.Fatalf("audio is %v late, %.1f %% lost", late, 100*lost)
		}
	}
}

// counted returns what a counter of the node's metrics says.
func (c *narrowCall) counted(name string) int {
	c.t.Helper()
	for line := range strings.Lines(metrics(c.t, c.system)) {
		if rest, ok := strings.CutPrefix(line, "cardea_media_"+name+" "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(rest))
			if err != nil {
				c.t.Fatal(err)
			}
			return n
		}
	}
	c.t.Fatalf("no %s in the metrics", name)
	return 0
}

func TestNarrowLinkGetsALowerLayerAndKeepsItsAudio(t *testing.T) {
	t.Parallel()
	c := newNarrowCall(t)
	c.link.rate.Store(450_000)
	t.Logf("lowest layer %v after the link got narrow", c.awaitSubstream(c.sub.id, 0, 2*patience))
	c.awaitAudio()
	c.link.rate.Store(4_000_000)
	t.Logf("best layer %v after the link opened", c.awaitSubstream(c.sub.id, 2, 4*patience))
	if c.counted("downgrades_total") == 0 || c.counted("probes_total") == 0 {
		t.Error("no downgrade, or no probe, was counted")
	}
}
