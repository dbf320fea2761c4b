package transport

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"
)

var gcmProfiles = map[string]srtp.ProtectionProfile{
	"AES-128": srtp.ProtectionProfileAeadAes128Gcm,
	"AES-256": srtp.ProtectionProfileAeadAes256Gcm,
}

// distinctKeys are not all zeros.
func distinctKeys(t testing.TB, profile srtp.ProtectionProfile) keys {
	t.Helper()
	k := testKeys(t, profile)
	for _, b := range [][]byte{k.localKey, k.localSalt, k.remoteKey, k.remoteSalt} {
		for i := range b {
			b[i] = byte(200 - i*37)
		}
	}
	return k
}

func newSealing(t testing.TB, profile srtp.ProtectionProfile) (sealer, *srtp.Context) {
	t.Helper()
	k := distinctKeys(t, profile)
	s, err := newSealer(k, nil)
	if err != nil {
		t.Fatal(err)
	}
	opener, err := srtp.CreateContext(k.localKey, k.localSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	return s, opener
}

// sealWhole seals a packet whose payload lies elsewhere.
func sealWhole(s sealer, b []byte) ([]byte, error) {
	size := len(b)
	if _, _, payload, err := parts(b); err == nil {
		size = payload
	}
	return s.seal(append(make([]byte, 0, maxOutbound), b[:size]...), b[size:])
}

// TestSealedPacketsAreWhatPionOpens goes over several cycles, late packets and all kinds of headers.
func TestSealedPacketsAreWhatPionOpens(t *testing.T) {
	for name, profile := range gcmProfiles {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s, opener := newSealing(t, profile)
				next := map[uint32]uint64{}
				for range rapid.IntRange(1, 200).Draw(rt, "packets") {
					p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: rapid.Uint32Range(1, 3).Draw(rt, "ssrc"), Marker: rapid.Bool().Draw(rt, "marker")}}
					n, ok := next[p.SSRC]
					if !ok {
						n = rapid.Uint64Range(0, 65535).Draw(rt, "first")
					}
					late := min(n, rapid.SampledFrom([]uint64{0, 0, 0, 1, 50}).Draw(rt, "late"))
					if _, ok := next[p.SSRC]; !ok {
						late = 0
					}
					next[p.SSRC] = n + rapid.SampledFrom([]uint64{1, 1, 1, 2, 1000, 30000}).Draw(rt, "step")
					p.SequenceNumber = uint16(n - late)
					for range rapid.IntRange(0, 3).Draw(rt, "csrcs") {
						p.CSRC = append(p.CSRC, 7)
					}
					if rapid.Bool().Draw(rt, "extension") {
						if err := p.SetExtension(3, []byte{1, 2, 3}); err != nil {
							t.Fatal(err)
						}
					}
					p.Payload = rapid.SliceOfN(rapid.Byte(), 0, 1200).Draw(rt, "payload")
					plain, err := p.Marshal()
					if err != nil {
						t.Fatal(err)
					}
					sealed, err := sealWhole(s, plain)
					if err != nil {
						rt.Fatal(err)
					}
					opened, err := opener.DecryptRTP(nil, sealed, nil)
					if err != nil || !bytes.Equal(opened, plain) {
						rt.Fatalf("packet %d of SSRC %d: %v", n-late, p.SSRC, err)
					}
				}
			})
		})
	}
}

func TestSealingGoesOnWhereAnotherNodeStopped(t *testing.T) {
	for _, index := range []uint64{1, 65535, 65536, 65537, 5<<16 + 40000} {
		s, opener := newSealing(t, srtp.ProtectionProfileAeadAes128Gcm)
		plain := plainPacket(uint16(index), 100)
		s.goOnAt(7, index)
		opener.SetROC(7, uint32(index>>16))
		sealed, err := sealWhole(s, plain)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := opener.DecryptRTP(nil, sealed, nil); err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("index %d: %v", index, err)
		}
	}
}

func TestWhatHasNoIndexIsNotSealed(t *testing.T) {
	s, _ := newSealing(t, srtp.ProtectionProfileAeadAes128Gcm)
	if _, err := sealWhole(s, plainPacket(5, 30)); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"older than the first":        plainPacket(65535, 30),
		"no RTP":                      make([]byte, 40),
		"short":                       plainPacket(6, 30)[:11],
		"CSRCs beyond the end":        append([]byte{0x8f}, plainPacket(6, 30)[1:]...),
		"extension beyond the end":    plainPacket(6, 30)[:18],
		"no room for extension words": plainPacket(6, 30)[:14],
	} {
		before := bytes.Clone(b)
		if out, err := sealWhole(s, b); err == nil {
			t.Errorf("%s: sealed as %x", name, out)
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%s: written to", name)
		}
	}
}

func TestSealingAllocatesNothing(t *testing.T) {
	s, _ := newSealing(t, srtp.ProtectionProfileAeadAes256Gcm)
	room, seq := make([]byte, 0, maxOutbound), uint16(0)
	packet := plainPacket(0, 1000)
	if n := testing.AllocsPerRun(100, func() {
		b := append(room, packet[:20]...)
		seq++
		b[2], b[3] = byte(seq>>8), byte(seq)
		if _, err := s.seal(b, packet[20:]); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkSeal(b *testing.B) {
	packet := plainPacket(0, 1000)
	run := func(b *testing.B, seal func(header, payload []byte) error) {
		room := make([]byte, 0, maxOutbound)
		for i := range b.N {
			header := append(room, packet[:20]...)
			header[2], header[3] = byte(i>>8), byte(i)
			if err := seal(header, packet[20:]); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, profile := range gcmProfiles {
		s, _ := newSealing(b, profile)
		b.Run(name+"/own", func(b *testing.B) {
			run(b, func(header, payload []byte) error { _, err := s.seal(header, payload); return err })
		})
		k := testKeys(b, profile)
		c, err := srtp.CreateContext(k.localKey, k.localSalt, k.profile)
		if err != nil {
			b.Fatal(err)
		}
		var h rtp.Header
		b.Run(name+"/pion", func(b *testing.B) {
			run(b, func(header, payload []byte) error {
				p := append(header, payload...)
				_, err := c.EncryptRTP(p, p, &h)
				return err
			})
		})
	}
}
