package forward

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
)

// mirrored is a stream and its replica, each with a leg.
type mirrored struct {
	origin, replica *Stream
	up              *publisher // of the replica
	burst           Burst
	near, far       *Leg
	atNear, atFar   *subscriber
}

func newMirrored(t testing.TB, c codec.Codec, layers int) *mirrored {
	m := &mirrored{up: new(publisher)}
	m.origin, _, m.near, m.atNear = connected(t, c, layers)
	m.replica = NewStream(m.origin.Config().Replica(m.up, new(PublisherClock)))
	m.far, m.atFar = newLeg(t, c)
	m.far.Connect(m.replica, start)
	m.far.SetFlowing(true, start)
	return m
}

func (m *mirrored) flush(now time.Duration) {
	m.origin.CopyBurst(&m.burst)
	m.replica.ReceiveBurst(&m.burst, now)
	for _, s := range []*Stream{m.origin, m.replica} {
		s.Flush(now)
		s.Tick(now)
	}
}

func TestReplicaSendsWhatItsOriginDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := newMirrored(t, codec.VP8, 3)
	type held struct {
		layer int
		f     frame
		ssrc  uint32
	}
	var late []held
	now := start
	receive := func(h held) {
		p := h.f.packet(h.layer, now)
		p.SSRC = h.ssrc
		m.origin.Receive(h.layer, p)
	}
	ssrcs := [3]uint32{1, 2, 3}
	for n := range 3000 {
		for layer := range 3 {
			id := uint16(65000 + n + 500*layer)
			f := frame{seq: id, ts: uint32(3000 * n), keyframe: n%40 == 0, pictureID: id & 0x7fff, tl0: uint8(id), temporal: uint8(n % 2)}
			switch h := (held{layer, f, ssrcs[layer]}); random.IntN(12) {
			case 0:
				late = append(late, h)
			case 1:
				receive(h)
				receive(h) // twice
			case 2: // lost
			default:
				receive(h)
			}
		}
		if len(late) > 3 {
			receive(late[0])
			late = late[1:]
		}
		if n%700 == 699 {
			ssrcs[n%3] += 10 // a source that begins anew
		}
		if n%500 == 250 {
			targets := Targets{Substream: random.IntN(3), Temporal: random.IntN(3)}
			m.near.SetTargets(targets, now)
			m.far.SetTargets(targets, now)
		}
		if n%1000 == 600 || n%1000 == 650 {
			m.origin.SetRelay(n%1000 == 650, now)
		}
		m.flush(now)
		now += 33 * time.Millisecond
	}
	if len(m.atNear.raw) < 1000 || len(m.atNear.raw) != len(m.atFar.raw) {
		t.Fatalf("%d and %d packets", len(m.atNear.raw), len(m.atFar.raw))
	}
	for i := range m.atNear.raw {
		if !bytes.Equal(m.atNear.raw[i], m.atFar.raw[i]) {
			t.Fatalf("packet %d differs:\n%x\n%x", i, m.atNear.raw[i], m.atFar.raw[i])
		}
	}
	if len(m.up.nacks) != 0 {
		t.Error("a replica asks for lost packets")
	}
}

func TestReplicaMadeLaterBeginsAtAKeyframe(t *testing.T) {
	m := newMirrored(t, codec.VP8, 1)
	now := start
	for n := range uint16(300) {
		m.origin.Receive(0, frame{seq: n, ts: uint32(n) * 3000, keyframe: n == 0 || n == 250, pictureID: n}.packet(0, now))
		if n >= 200 { // before, there is no replica
			m.flush(now)
		} else {
			m.origin.Flush(now)
		}
		now += 33 * time.Millisecond
	}
	if len(m.up.plis) == 0 || m.up.plis[0] != 0x100 {
		t.Errorf("asked for key frames of %v", m.up.plis)
	}
	if n := len(m.atFar.sent); n != 50 || !m.atFar.descriptor(0).Keyframe {
		t.Errorf("%d packets", n)
	}
}

func TestKeyframeOfAReplicaIsAskedForAtTheOrigin(t *testing.T) {
	s, p, _, _ := connected(t, codec.VP8, 1)
	give(s, 0, frame{seq: 1, keyframe: true}, start)
	s.RequestKeyframeFor(0x999, start+2*time.Second)
	if len(p.plis) != 0 {
		t.Error("asked for a layer that is not there")
	}
	s.RequestKeyframeFor(0x100, start+2*time.Second)
	s.RequestKeyframeFor(0x100, start+2*time.Second)
	if len(p.plis) != 1 {
		t.Errorf("asked %d times", len(p.plis))
	}
}

func TestReplicaReportsThePublishersClock(t *testing.T) {
	m := newMirrored(t, codec.VP8, 1)
	m.origin.Receive(0, frame{seq: 1, keyframe: true, ts: 5000}.packet(0, start))
	m.origin.SenderReport(0, 77<<32, 9000, start)
	m.flush(start)
	near, _ := m.near.SenderReport(start + time.Second)
	far, ok := m.far.SenderReport(start + time.Second)
	if !ok || near.RTPTime != far.RTPTime || near.RTPTime == 0 {
		t.Errorf("%v, not %v", far, near)
	}
}

func TestReplicaAllocatesNothingForAPacket(t *testing.T) {
	s := NewStream(new(publisher).config(codec.VP8, 1))
	replica := NewStream(s.Config().Replica(new(publisher), new(PublisherClock)))
	var far sink
	l := NewLeg(LegConfig{Codec: codec.VP8, Sender: &far, Observer: &far})
	l.Connect(replica, start)
	l.SetFlowing(true, start)
	var b Burst
	n := uint16(0)
	burst := func() {
		now := start + time.Duration(n)*10*time.Millisecond
		for range 4 {
			s.Receive(0, frame{seq: n, keyframe: n == 0}.packet(0, now))
			n++
		}
		s.CopyBurst(&b)
		replica.ReceiveBurst(&b, now)
		s.Flush(now)
		replica.Flush(now)
	}
	for range 1000 {
		burst() // rings grow to their size
	}
	far.packets = 0
	if allocs := testing.AllocsPerRun(500, burst); allocs > 8 { // the test's own packets and payloads
		t.Errorf("%v allocations a burst", allocs)
	}
	if far.packets < 2000 {
		t.Errorf("%d packets", far.packets)
	}
}

func TestReplicaKeepsDependencyDescriptorsOfItsOwn(t *testing.T) {
	p := new(publisher)
	s := NewStream(p.config(codec.AV1, 1))
	replica := NewStream(s.Config().Replica(p, new(PublisherClock)))
	var b Burst
	for seq, descriptor := range [][]byte{{1, 2, 3}, {4, 5, 6, 7}} {
		packet := frame{seq: uint16(seq)}.packet(0, start)
		packet.Ext.DependencyDescriptor = descriptor
		s.Receive(0, packet)
		s.CopyBurst(&b)
		replica.ReceiveBurst(&b, start)
		s.Flush(start)
		replica.Flush(start)
		clear(b.bytes) // as its next use may
		clear(s.layers[0].ring.get(s.layers[0].highest).dependencies)
		got := replica.layers[0].ring.get(replica.layers[0].highest)
		if !bytes.Equal(got.dependencies, descriptor) || !bytes.Equal(got.ext.DependencyDescriptor, descriptor) {
			t.Errorf("packet %d has %v, %v", seq, got.dependencies, got.ext.DependencyDescriptor)
		}
	}
}
