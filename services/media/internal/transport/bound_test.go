package transport

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
)

func TestNothingIsSealedBeyondABound(t *testing.T) {
	for _, profile := range []srtp.ProtectionProfile{srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAes128CmHmacSha1_80} {
		t.Run(profile.String(), func(t *testing.T) {
			k := distinctKeys(t, profile)
			whole, err := srtp.CreateContext(k.localKey, k.localSalt, k.profile)
			if err != nil {
				t.Fatal(err)
			}
			s, err := newSealer(k, whole)
			if err != nil {
				t.Fatal(err)
			}
			seal := func(seq uint16, want error) {
				t.Helper()
				if _, err := sealWhole(s, plainPacket(seq, 50)); !errors.Is(err, want) {
					t.Errorf("packet %d: %v, not %v", seq, err, want)
				}
			}
			seal(65000, nil)
			s.bound(7, 1<<16+5) // over the wrap
			seal(65535, nil)
			seal(4, nil)
			seal(5, errBeyondBound)
			seal(400, errBeyondBound)
			seal(65534, nil) // late
			s.bound(7, 1<<16+6)
			seal(5, nil)
			seal(6, errBeyondBound)
			for i := range 3 << 16 { // what is dropped counts: none of these is taken for one of the cycle before
				seal(uint16(7+i), errBeyondBound)
			}
		})
	}
}

func TestNoReportsAreSentBeyondABound(t *testing.T) {
	w := idleWorker(t)
	_, to := far(t)
	e := newTraveller(t, w)
	e.first.find(to, e.first.local.Ufrag, true, 0)
	report := []byte{0x80, 201, 0, 1, 0, 0, 0, 7}
	dropped := func(want uint64) {
		t.Helper()
		e.first.SendRTCP(report)
		if got := w.inbound.Drops[DropBeyondBound]; got != want {
			t.Errorf("%d dropped, not %d", got, want)
		}
	}
	dropped(0)
	e.first.BoundRTCP(7, 3)
	dropped(0)
	dropped(1)
	e.first.BoundRTCP(8, 0) // another's
	dropped(2)
	e.first.BoundRTCP(7, 4)
	dropped(2)
	dropped(3)
}

// TestAWorkerThatWasStoppedIsQuiet has it wait for a word before it sends media or answers checks.
func TestAWorkerThatWasStoppedIsQuiet(t *testing.T) {
	w := idleWorker(t)
	_, to := far(t)
	e := newTraveller(t, w)
	e.first.find(to, e.first.local.Ufrag, true, 0)
	woken := 0
	quiet := func(want bool) {
		t.Helper()
		before := w.inbound.Drops[DropFenced]
		sendWhole(e.first, plainPacket(uint16(woken), 100))
		check := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(e.first.local.Ufrag+":x"),
			stun.NewShortTermIntegrity(e.first.local.Pwd), stun.Fingerprint)
		w.receive(path{addr: netip.MustParseAddrPort("127.0.0.1:9")}, check.Raw, 0)
		if got := w.inbound.Drops[DropFenced] - before; got != 0 != want || want && got != 2 {
			t.Errorf("%d dropped; quiet should be %t", got, want)
		}
	}
	stop := func() { w.turned -= 2 * stoppedFor; w.turn() }
	w.turn()
	stop()
	quiet(false) // nobody has asked for it
	w.Guard(func() { woken++ })
	w.turn()
	quiet(false)
	stop()
	quiet(true)
	w.turn()
	quiet(true)
	w.Resume()
	quiet(false)
	stop()
	quiet(true)
	w.Guard(nil)
	quiet(false)
	if woken != 2 {
		t.Errorf("woken %d times", woken)
	}
}
