package transport

import (
	"encoding/binary"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// plainPacket is RTP with a one-byte header extension and size bytes in all.
func plainPacket(seq uint16, size int) []byte {
	b := make([]byte, size)
	b[0], b[1] = 0x90, 96
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], 7)
	copy(b[12:], []byte{0xbe, 0xde, 0, 1, 0x40, '1', 0, 0})
	return b
}

// sendWhole sends a packet of plainPacket's, whose payload is shared.
func sendWhole(p *Peer, b []byte) { p.SendRTP(append(p.Buffer(), b[:20]...), b[20:]) }

func TestPacketPathAllocatesNothing(t *testing.T) {
	for _, profile := range []srtp.ProtectionProfile{srtp.ProtectionProfileAeadAes256Gcm, srtp.ProtectionProfileAes128CmHmacSha1_80} {
		t.Run(profile.String(), func(t *testing.T) {
			w := idleWorker(t)
			_, from := far(t)
			_, to := far(t)
			in, out := &listener{}, &listener{}
			publisher, subscriber := w.NewPeer(in, slog.New(slog.DiscardHandler)), w.NewPeer(out, slog.New(slog.DiscardHandler))
			k := testKeys(t, profile)
			for p, where := range map[*Peer]path{publisher: from, subscriber: to} {
				if err := p.useKeys(k); err != nil {
					t.Fatal(err)
				}
				p.find(where, p.local.Ufrag, true, 0)
			}
			passed := 0
			in.rtp = func(b []byte, _ time.Duration) {
				passed++
				for range 3 {
					sendWhole(subscriber, b)
				}
			}
			endpoint, err := srtp.CreateContext(k.remoteKey, k.remoteSalt, profile)
			if err != nil {
				t.Fatal(err)
			}
			const runs = 1000
			var wire [][]byte
			for seq := range uint16(runs + 1) { // AllocsPerRun has one more to warm up
				b, err := endpoint.EncryptRTP(nil, plainPacket(seq, 1100), nil)
				if err != nil {
					t.Fatal(err)
				}
				wire = append(wire, b)
			}
			next := 0
			allocs := testing.AllocsPerRun(runs, func() {
				w.receive(from, wire[next], 1)
				w.flush(1)
				next++
			})
			if passed != runs+1 {
				t.Errorf("%d of %d packets passed", passed, runs+1)
			}
			if allocs > 0 && !raceDetector {
				t.Errorf("%v allocations a packet", allocs)
			}
		})
	}
}

func TestRepeatsAndForgeriesAreDropped(t *testing.T) {
	w := idleWorker(t)
	_, from := far(t)
	in := &listener{}
	passed := 0
	in.rtp = func([]byte, time.Duration) { passed++ }
	p := w.NewPeer(in, slog.New(slog.DiscardHandler))
	k := testKeys(t, srtp.ProtectionProfileAeadAes128Gcm)
	p.find(from, p.local.Ufrag, true, 0)
	endpoint, err := srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	packet, err := endpoint.EncryptRTP(nil, plainPacket(1, 100), nil)
	if err != nil {
		t.Fatal(err)
	}
	receive := func(change func(b []byte)) {
		b := append([]byte{}, packet...)
		change(b)
		w.receive(from, b, 1)
	}
	receive(func([]byte) {})
	if err := p.useKeys(k); err != nil {
		t.Fatal(err)
	}
	receive(func(b []byte) { b[50]++ })
	receive(func([]byte) {})
	receive(func([]byte) {})
	if passed != 1 {
		t.Errorf("%d packets passed", passed)
	}
	for why, want := range map[Drop]uint64{DropNotReady: 1, DropNotAuthentic: 1, DropReplayed: 1} {
		if got := w.inbound.Drops[why]; got != want {
			t.Errorf("%s: %d", why, got)
		}
	}
}

func TestRunsArriveAsTheyWereQueued(t *testing.T) {
	for _, offload := range []bool{true, false} {
		w := idleWorker(t)
		w.socket.offload = w.socket.offload && offload
		conns := make([]*net.UDPConn, 2)
		paths := make([]path, 2)
		for i := range conns {
			conns[i], paths[i] = far(t)
		}
		// A run of equal sizes, one that ends with a shorter one, a longer one, and a change of address.
		sizes := [][2]int{{0, 900}, {0, 900}, {0, 900}, {0, 100}, {0, 900}, {0, 1200}, {1, 1200}, {1, 1200}, {0, 50}}
		want := [2][]int{}
		for _, s := range sizes {
			room := w.socket.room()
			room[0] = byte(len(want[s[0]]))
			w.socket.commit(nil, paths[s[0]].addr, s[1])
			want[s[0]] = append(want[s[0]], s[1])
		}
		w.socket.flush()
		for i, conn := range conns {
			for n, size := range want[i] {
				b := make([]byte, 2000)
				if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
					t.Fatal(err)
				}
				got, err := conn.Read(b)
				if err != nil {
					t.Fatal(err)
				}
				if got != size || int(b[0]) != n {
					t.Errorf("offload %v, endpoint %d: datagram %d has %d bytes, want %d of %d", offload, i, b[0], got, n, size)
				}
			}
		}
	}
}

func TestClassify(t *testing.T) {
	for first, want := range map[byte]kind{
		0: kindSTUN, 3: kindSTUN, 4: kindUnknown, 19: kindUnknown, 20: kindDTLS, 63: kindDTLS, 64: kindUnknown,
		127: kindUnknown, 128: kindRTP, 191: kindRTP, 192: kindUnknown, 255: kindUnknown,
	} {
		if got := classify([]byte{first, 96, 0, 0, 0, 0, 0, 0}); got != want {
			t.Errorf("%d is %d", first, got)
		}
	}
	for second, want := range map[byte]kind{191: kindRTP, 192: kindRTCP, 200: kindRTCP, 223: kindRTCP, 224: kindRTP} {
		if got := classify([]byte{128, second, 0, 0, 0, 0, 0, 0}); got != want {
			t.Errorf("payload type %d is %d", second, got)
		}
	}
	if classify([]byte{128, 96}) != kindUnknown {
		t.Error("two bytes are something")
	}
}
