//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/turn/v5"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// counted counts what a TURN server sends to those whom it relays to.
type counted struct {
	net.PacketConn
	sent *atomic.Int64
}

func (c counted) WriteTo(b []byte, to net.Addr) (int, error) {
	c.sent.Add(1)
	return c.PacketConn.WriteTo(b, to)
}

// relays are the addresses that the server gives away, on loopback.
type relays struct {
	turn.RelayAddressGenerator
	sent *atomic.Int64
}

func (r relays) AllocatePacketConn(conf turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	conn, addr, err := r.RelayAddressGenerator.AllocatePacketConn(conf)
	return counted{conn, r.sent}, addr, err
}

// TestRelayedPeers has a browser that may use nothing but a TURN server publish and subscribe.
func TestRelayedPeers(t *testing.T) {
	t.Parallel()
	const user, password, realm = "al", "secret", "example.org"
	listener, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var relayed atomic.Int64
	loopback := net.IPv4(127, 0, 0, 1)
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: realm,
		AuthHandler: func(attributes *turn.RequestAttributes) (string, []byte, bool) {
			return attributes.Username, turn.GenerateAuthKey(user, realm, password), attributes.Username == user
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn:            listener,
			RelayAddressGenerator: relays{&turn.RelayAddressGeneratorStatic{RelayAddress: loopback, Address: "127.0.0.1"}, &relayed},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	api := dialNode(t, cluster.StartNodes(t, 1)[0])
	tab := startCallWith(ctx, t, api, "vp8", "simulcast", fmt.Sprintf(
		`{"iceTransportPolicy": "relay", "iceServers": [{"urls": "turn:%s?transport=udp", "username": %q, "credential": %q}]}`,
		listener.LocalAddr(), user, password))
	tab.WaitFor("pictures and sound", `stats().then(s => s.video?.frames > 60 && s.video.height === 360 && s.audio?.energy > 0)`, 40*time.Second)
	tab.WaitFor("relayed candidates on both sides", `(async () => {
		for (const pc of Object.values(pcs)) {
			const report = await pc.getStats();
			const pair = [...report.values()].find(s => s.type === 'candidate-pair' && s.nominated);
			if (report.get(pair?.localCandidateId)?.candidateType !== 'relay') return false;
		}
		return true;
	})()`, 10*time.Second)
	before := relayed.Load()
	tab.WaitMoreFrames(1, 20*time.Second)
	if relayed.Load() < before+20 {
		t.Errorf("pictures came, but only %d packets by the TURN server", relayed.Load()-before)
	}
	if after := chrome.Eval[handoverStats](tab.Tab, "stats()"); after.Publisher != "connected" || after.Subscriber != "connected" {
		t.Errorf("connections: %s, %s", after.Publisher, after.Subscriber)
	}
	tab.Screenshot("relayed")
}
