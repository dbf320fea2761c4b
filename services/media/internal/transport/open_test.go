package transport

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

func newOpening(t testing.TB, profile srtp.ProtectionProfile) (opener, *srtp.Context) {
	t.Helper()
	k := distinctKeys(t, profile)
	o, err := newOpener(k, nil)
	if err != nil {
		t.Fatal(err)
	}
	far, err := srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	return o, far
}

// TestOpenedPacketsAreTakenOnce has packets of several streams come in any order, repeated, forged and late: each is
// opened if it is authentic, new, and within the window.
func TestOpenedPacketsAreTakenOnce(t *testing.T) {
	for name, profile := range gcmProfiles {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { checkOpening(t, rt, profile) })
		})
	}
}

func checkOpening(t *testing.T, rt *rapid.T, profile srtp.ProtectionProfile) {
	o, far := newOpening(t, profile)
	type stream struct {
		highest uint64
		came    map[uint64]bool
	}
	streams := map[uint32]*stream{}
	for range rapid.IntRange(1, 300).Draw(rt, "packets") {
		ssrc := rapid.Uint32Range(1, 3).Draw(rt, "ssrc")
		s := streams[ssrc]
		n := rapid.Uint64Range(2000, 65535).Draw(rt, "first")
		if s != nil {
			step := rapid.SampledFrom([]int{1, 1, 1, 2, 63, 64, 65, 1000, 1023, 1024, 1025, 20000, 0, -1, -2, -63, -64, -65, -960, -961, -1023, -1024, -1100}).Draw(rt, "step")
			n = uint64(max(int(s.highest)+step, 0))
		}
		plain := plainPacket(uint16(n), rapid.IntRange(20, 40).Draw(rt, "size"))
		plain[11] = byte(ssrc)
		far.SetROC(ssrc, uint32(n>>16))
		sealed, err := far.EncryptRTP(nil, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.IntRange(0, 9).Draw(rt, "forge") == 0 {
			forged := bytes.Clone(sealed)
			forged[rapid.IntRange(12, len(forged)-1).Draw(rt, "where")] ^= 1
			if _, err := o.open(forged); err == nil {
				rt.Fatalf("forged packet %d taken", n)
			}
		}
		got, err := o.open(bytes.Clone(sealed))
		switch {
		case s != nil && (s.came[n] || n+replayWindow <= s.highest):
			if !errors.Is(err, errReplayed) {
				rt.Fatalf("packet %d after %d: %v, expected a replay", n, s.highest, err)
			}
		case err != nil || !bytes.Equal(got, plain):
			rt.Fatalf("packet %d of %d: %v", n, ssrc, err)
		default:
			if s == nil {
				s = &stream{came: map[uint64]bool{}}
				streams[ssrc] = s
			}
			s.came[n], s.highest = true, max(s.highest, n)
		}
		if s == nil {
			continue
		}
		if roc, ok := o.roc(ssrc); !ok || uint64(roc) != s.highest>>16 {
			rt.Fatalf("roll-over counter %d, expected %d", roc, s.highest>>16)
		}
	}
}

func TestOpeningGoesOnWhereAnotherNodeStopped(t *testing.T) {
	o, far := newOpening(t, srtp.ProtectionProfileAeadAes128Gcm)
	for _, n := range []uint64{3<<16 + 65535, 4 << 16, 3<<16 + 65534, 4<<16 + 1} {
		plain := plainPacket(uint16(n), 50)
		far.SetROC(7, uint32(n>>16))
		sealed, err := far.EncryptRTP(nil, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, known := o.roc(7); !known {
			o.setROC(7, 3)
		}
		if got, err := o.open(sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("packet %d: %v", n, err)
		}
	}
	if roc, _ := o.roc(7); roc != 4 {
		t.Errorf("roll-over counter %d, expected 4", roc)
	}
}

func TestForgeriesCostNoMemory(t *testing.T) {
	o, _ := newOpening(t, srtp.ProtectionProfileAeadAes128Gcm)
	b, ssrc := plainPacket(1, 60), byte(0)
	if n := testing.AllocsPerRun(200, func() {
		ssrc++
		b[0], b[8] = 0x90, ssrc
		if _, err := o.open(b); err == nil {
			t.Fatal("taken")
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	if streams := len(o.(*gcmOpener).streams); streams != 0 {
		t.Errorf("%d streams remembered", streams)
	}
}

func TestNothingFollowsTheLastIndex(t *testing.T) {
	if _, ok := index(packet.FirstCycle+maxRollovers<<16-1, 0); ok {
		t.Error("an index after the last")
	}
	if _, ok := index(packet.FirstCycle, 65535); ok {
		t.Error("an index before the first")
	}
}

func FuzzOpen(f *testing.F) {
	o, far := newOpening(f, srtp.ProtectionProfileAeadAes128Gcm)
	sealed, err := far.EncryptRTP(nil, plainPacket(1, 60), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed[:40])
	f.Add([]byte{0x9f, 0, 0, 1})
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xbe, 0xde, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Equal(b, sealed) {
			return
		}
		if got, err := o.open(bytes.Clone(b)); err == nil {
			t.Fatalf("forged packet %x taken as %x", b, got)
		}
	})
}
