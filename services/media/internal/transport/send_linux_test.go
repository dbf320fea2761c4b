package transport

import (
	"log/slog"
	"testing"

	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

func TestFullSocketDropsAndTells(t *testing.T) {
	for _, offload := range []bool{true, false} {
		w := idleWorker(t)
		w.socket.offload = w.socket.offload && offload
		h := &listener{}
		p := w.NewPeer(h, slog.New(slog.DiscardHandler))
		if err := p.useKeys(testKeys(t, srtp.ProtectionProfileAeadAes128Gcm)); err != nil {
			t.Fatal(err)
		}
		conn, to := far(t)
		p.find(to, p.local.Ufrag, true, 0)
		transmit := w.socket.many.transmit
		w.socket.many.transmit = func(uintptr) { w.socket.many.failure = unix.EAGAIN }
		for seq := range uint16(3) {
			sendWhole(p, plainPacket(seq, 500))
		}
		w.flush(1)
		if h.overruns != 1 || w.socket.sent.full+w.inbound.Drops[DropOverrun] != 3 {
			t.Errorf("offload %v: %d overruns, %d and %d dropped", offload, h.overruns, w.socket.sent.full, w.inbound.Drops[DropOverrun])
		}
		w.socket.many.transmit = transmit
		sendWhole(p, plainPacket(3, 500))
		w.flush(2)
		if n, err := conn.Read(make([]byte, 2000)); n == 0 || err != nil {
			t.Errorf("nothing is sent any more: %v", err)
		}
	}
}
