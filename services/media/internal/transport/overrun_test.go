package transport

import (
	"log/slog"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// stuck is a path on a TCP connection whose far end reads nothing.
func stuck() path {
	return path{tcp: &tcpConn{frames: make(frameList, 1), queue: make(chan []byte, tcpQueue), done: make(chan struct{})}}
}

func TestWhoDoesNotKeepUpCostsNobodyElse(t *testing.T) {
	w := idleWorker(t)
	_, free := far(t)
	blocked := stuck()
	blocked.addr = free.addr
	k := testKeys(t, srtp.ProtectionProfileAeadAes128Gcm)
	slow, quick := &listener{}, &listener{}
	var peers []*Peer
	for _, c := range []struct {
		h  Handler
		at path
	}{{slow, blocked}, {quick, free}} {
		p := w.NewPeer(c.h, slog.New(slog.DiscardHandler))
		if err := p.useKeys(k); err != nil {
			t.Fatal(err)
		}
		p.find(c.at, p.local.Ufrag, true, 0)
		peers = append(peers, p)
	}
	const bursts, each = 100, 4
	for seq := range uint16(bursts * each) {
		for _, p := range peers {
			sendWhole(p, plainPacket(seq, 500))
		}
		if seq%each == each-1 {
			w.flush(time.Duration(seq))
		}
	}
	const late = bursts - tcpQueue/each // bursts for which the queue had no room
	drops := w.inbound.Drops
	if drops[DropTCPQueueFull] != late || drops[DropOverrun] != late*(each-1) {
		t.Errorf("%d dropped first, %d behind those", drops[DropTCPQueueFull], drops[DropOverrun])
	}
	if slow.overruns != late || quick.overruns != 0 {
		t.Errorf("told %d and %d times", slow.overruns, quick.overruns)
	}
	if got := w.socket.sent.packets; got != tcpQueue+bursts*each {
		t.Errorf("%d packets sent", got)
	}
}
