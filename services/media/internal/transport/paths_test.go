package transport

import (
	"log/slog"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

func TestPathStaysWithTheOwnerThatUsesIt(t *testing.T) {
	const before = time.Minute // on the clock
	k := testKeys(t, srtp.ProtectionProfileAeadAes128Gcm)
	endpoint, err := srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile)
	if err != nil {
		t.Fatal(err)
	}
	media, err := endpoint.EncryptRTP(nil, plainPacket(1, 100), nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := append([]byte{}, media...)
	forged[50]++
	for _, c := range []struct {
		name  string
		last  func(owner *Peer) []byte // what comes on the path after the owner's first check
		after time.Duration            // it does
		again time.Duration            // when the other peer checks, after that
		taken bool
	}{
		{"just checked", func(p *Peer) []byte { return check(t, p.Credentials()) }, time.Second, pathHeld - 1, false},
		{"just sent media", func(*Peer) []byte { return append([]byte{}, media...) }, time.Second, pathHeld - 1, false},
		{"is silent", func(p *Peer) []byte { return check(t, p.Credentials()) }, time.Second, pathHeld, true},
		{"has forged media only", func(*Peer) []byte { return forged }, pathHeld - 1, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := idleWorker(t)
			conn, from := far(t)
			owner, other := w.NewPeer(&listener{}, slog.New(slog.DiscardHandler)), w.NewPeer(&listener{}, slog.New(slog.DiscardHandler))
			if err := owner.useKeys(k); err != nil {
				t.Fatal(err)
			}
			w.receive(from, check(t, owner.Credentials(), useCandidate), before)
			w.receive(from, c.last(owner), before+c.after)
			for range 2 {
				answerTo(t, conn)
			}
			w.receive(from, check(t, other.Credentials(), useCandidate), before+c.after+c.again)
			if taken := other.selected == from && owner.selected != from; taken != c.taken {
				t.Errorf("taken: %v", taken)
			}
			if _, answered := answerTo(t, conn); answered != c.taken {
				t.Errorf("answered: %v", answered)
			}
			if refused := w.inbound.Drops[DropPathTaken] == 1; refused == c.taken {
				t.Errorf("%d refusals counted", w.inbound.Drops[DropPathTaken])
			}
		})
	}
}
