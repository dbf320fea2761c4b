package media

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// lossy loses every tenth packet of a stream, once, on its way out or in. What is sent again arrives.
type lossy struct {
	interceptor.NoOp
	outbound, inbound bool

	mu   sync.Mutex
	lost map[uint16]bool
}

func (l *lossy) NewInterceptor(string) (interceptor.Interceptor, error) { return l, nil }

func (l *lossy) loses(payloadType uint8, seq uint16) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if payloadType != 96 || seq%10 != 3 || l.lost[seq] {
		return false
	}
	l.lost[seq] = true
	return true
}

func (l *lossy) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lost)
}

func (l *lossy) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if l.outbound && l.loses(h.PayloadType, h.SequenceNumber) {
			return len(payload), nil
		}
		return w.Write(h, payload, a)
	})
}

func (l *lossy) BindRemoteStream(_ *interceptor.StreamInfo, r interceptor.RTPReader) interceptor.RTPReader {
	return interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		for {
			n, attributes, err := r.Read(b, a)
			var p packet.Packet
			if err != nil || !l.inbound || p.Parse(b[:n], &packet.ExtensionIDs{}) != nil || !l.loses(p.PayloadType, p.Seq) {
				return n, attributes, err
			}
		}
	})
}

func TestLostPacketsAreRepairedOnBothWays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		publisher, viewer *lossy
	}{
		{"to the node", &lossy{outbound: true}, &lossy{}},
		{"to the subscriber", &lossy{}, &lossy{inbound: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t)
			c.publisher.lost, c.viewer.lost = map[uint16]bool{}, map[uint16]bool{}
			pub := s.dial(func(d *dialing) { d.interceptors.Add(c.publisher) })
			video := pub.send(webrtc.MimeTypeVP8, "v")
			pub.publish("feed")
			s.awaitUp(pub.id)
			sub := s.dial(func(d *dialing) { d.interceptors.Add(c.viewer) })
			sub.subscribe(slotFor("0", "feed", "0", "vp8"))
			s.awaitUp(sub.id)
			video.play(t, 5*time.Millisecond)

			track := sub.track()
			first := track.next(t).SequenceNumber
			const wanted = 200
			missing := map[uint16]bool{}
			for i := range uint16(wanted) {
				missing[first+1+i] = true
			}
			deadline := time.After(patience)
			for len(missing) > 0 {
				select {
				case p := <-track.packets:
					delete(missing, p.SequenceNumber)
				case <-deadline:
					t.Fatalf("never came: %v", missing)
				}
			}
		})
	}
}

// TestLossesAreToldAsASlowLink has a tenth of a publisher's packets lost: from the threshold on its handle is told.
func TestLossesAreToldAsASlowLink(t *testing.T) {
	t.Parallel()
	for threshold, told := range map[uint32]bool{0: false, 3: true, 100000: false} {
		s := start(t, func(c *Config) { c.SlowLinkThreshold = threshold })
		losing := &lossy{outbound: true, lost: map[uint16]bool{}}
		pub := s.dial(func(d *dialing) { d.interceptors.Add(losing) })
		video := pub.send(webrtc.MimeTypeVP8, "v")
		pub.publish("feed")
		s.awaitUp(pub.id)
		video.play(t, 5*time.Millisecond)
		slow := func(e *busv1.PeerEvent) bool {
			return e.GetSlowLink().GetMedia() == "video" && !e.GetSlowLink().GetUplink() && e.GetSlowLink().GetLost() >= threshold
		}
		if told {
			s.await(pub.id, "slow link", slow)
			continue
		}
		for deadline := time.Now().Add(patience); losing.count() < 60; time.Sleep(10 * time.Millisecond) { // some seconds of losses
			if time.Now().After(deadline) {
				t.Fatal("nothing is lost")
			}
		}
		if n := s.count(pub.id, slow); n > 0 {
			t.Errorf("threshold %d: told %d times", threshold, n)
		}
	}
}

func TestKeyframeRequestsAreThrottledAndTheLastIsKept(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	video := pub.send(webrtc.MimeTypeVP8, "v")
	video.every = 1 << 30
	pub.publish("feed")
	s.awaitUp(pub.id)
	video.play(t, 5*time.Millisecond)
	sub := s.dial()
	sub.subscribe(slotFor("0", "feed", "0", "vp8"))
	s.awaitUp(sub.id)
	track := sub.track()
	track.next(t)
	begin := time.Now()
	for range 20 {
		if err := sub.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(1200 * time.Millisecond)
	video.mu.Lock()
	defer video.mu.Unlock()
	plis, took := video.plis, time.Since(begin)
	if len(plis) < 2 || len(plis) > int(took/time.Second)+2 { // one before, and one each second
		t.Errorf("%d requests in %v", len(plis), took)
	}
	for i := 1; i < len(plis); i++ { // a second apart when sent, less or more when a busy machine reads them
		if gap := plis[i].Sub(plis[i-1]); gap < 500*time.Millisecond {
			t.Errorf("two requests within %v", gap)
		}
	}
}
