package media

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// forwardingNode may send to this machine.
func forwardingNode(t *testing.T) *system {
	return start(t, func(c *Config) { c.ForwardTo = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
}

// receiver is where forwarded media is to come.
type receiver struct {
	*net.UDPConn
	t *testing.T
}

func receive(t *testing.T) *receiver {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &receiver{conn, t}
}

func (r *receiver) port() uint32 { return uint32(r.LocalAddr().(*net.UDPAddr).Port) }

func (r *receiver) datagram() ([]byte, netip.AddrPort) {
	r.t.Helper()
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	b := make([]byte, 2000)
	n, from, err := r.ReadFromUDPAddrPort(b)
	if err != nil {
		r.t.Fatal(err)
	}
	return b[:n], from
}

func (r *receiver) packet() *rtp.Packet {
	r.t.Helper()
	b, _ := r.datagram()
	p := new(rtp.Packet)
	if err := p.Unmarshal(b); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// silent reads until nothing comes any more.
func (r *receiver) silent() {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_ = r.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := r.Read(make([]byte, 2000)); err != nil {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal("packets go on coming")
		}
	}
}

// forward returns the local RTCP ports.
func (e *endpoint) forward(forwarders ...*mediav1.Forwarder) []uint32 {
	e.t.Helper()
	for _, f := range forwarders {
		if f.Host == "" {
			f.Host = "127.0.0.1"
		}
	}
	response, err := e.s.api.Forward(e.t.Context(), &mediav1.ForwardRequest{Peer: e.id, Forwarders: forwarders})
	if err != nil {
		e.t.Fatal(err)
	}
	var ports []uint32
	for i, f := range response.GetForwarders() {
		if f.GetId() != forwarders[i].GetId() || f.GetAddress() != "127.0.0.1" {
			e.t.Errorf("forwarder %v", f)
		}
		ports = append(ports, f.GetLocalRtcpPort())
	}
	return ports
}

func TestForwarding(t *testing.T) {
	t.Parallel()
	s := forwardingNode(t)
	pub := s.dial()
	audio, video := pub.send(webrtc.MimeTypeOpus, "a"), pub.send(webrtc.MimeTypeVP8, "v")
	video.every = 1 << 30 // only when asked
	dc, _, open := pub.channel("any")
	pub.publish("feed")
	s.awaitUp(pub.id)
	defer audio.play(t, 10*time.Millisecond)()
	defer video.play(t, 10*time.Millisecond)()
	await(t, "open channel", open)

	a, v, d, secret, control := receive(t), receive(t), receive(t), receive(t), receive(t)
	key := []byte(strings.Repeat("k", 16) + strings.Repeat("s", 14))
	wanted := []*mediav1.Forwarder{
		{Id: 1, Mid: "0", Port: a.port()},
		{Id: 2, Mid: "1", Port: v.port(), Ssrc: 7, PayloadType: 100, RtcpPort: control.port()},
		{Id: 3, Mid: "2", Port: d.port()},
		{Id: 4, Mid: "0", Port: secret.port(), SrtpSuite: 80, SrtpKey: key},
	}
	ports := pub.forward(wanted...)
	if again := pub.forward(wanted...); again[1] != ports[1] {
		t.Errorf("RTCP port is %d, then %d", ports[1], again[1])
	}
	first, second := a.packet(), a.packet()
	if first.PayloadType != 111 || second.SSRC != first.SSRC || second.SequenceNumber != first.SequenceNumber+1 {
		t.Errorf("audio %v %v", first, second)
	}
	if p := v.packet(); p.SSRC != 7 || p.PayloadType != 100 {
		t.Errorf("video %v", p)
	}
	if err := dc.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	if b, _ := d.datagram(); string(b) != "hello" {
		t.Errorf("data %q", b)
	}
	context, err := srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := secret.datagram()
	if b, err = context.DecryptRTP(nil, b, nil); err != nil {
		t.Fatal(err)
	}
	if p := new(rtp.Packet); p.Unmarshal(b) != nil || p.SSRC != first.SSRC || string(p.Payload) == "" {
		t.Errorf("decrypted %v", p)
	}

	_, from := control.datagram()
	if uint32(from.Port()) != ports[1] {
		t.Errorf("from port %d, not %d", from.Port(), ports[1])
	}
	pli, err := (&rtcp.PictureLossIndication{MediaSSRC: 7}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	asked := func() int {
		video.mu.Lock()
		defer video.mu.Unlock()
		return len(video.plis)
	}
	before := asked()
	for deadline := time.Now().Add(patience); asked() == before; time.Sleep(50 * time.Millisecond) {
		if _, err := control.WriteToUDPAddrPort(pli, from); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("no key frame was asked for")
		}
	}

	if _, err := s.api.StopForward(t.Context(), &mediav1.StopForwardRequest{Peer: pub.id, Id: 1}); err != nil {
		t.Fatal(err)
	}
	v.packet()
	a.silent()
}

func TestForwardedSimulcast(t *testing.T) {
	t.Parallel()
	s := forwardingNode(t)
	pub := s.dial()
	frame := pub.sendLayers()
	pub.publish("feed")
	s.awaitUp(pub.id)
	low, best := receive(t), receive(t)
	pub.forward(&mediav1.Forwarder{Id: 1, Mid: "0", Port: low.port()}, &mediav1.Forwarder{Id: 2, Mid: "0", Port: best.port(), Simulcast: true})
	for range 100 {
		frame()
		time.Sleep(5 * time.Millisecond)
	}
	if p := low.packet(); p.Payload[len(p.Payload)-1] != 'l' {
		t.Errorf("layer %q", p.Payload[len(p.Payload)-1])
	}
	var p *rtp.Packet
	for p = best.packet(); p.Payload[len(p.Payload)-1] != 'h'; p = best.packet() {
	}
	if p.SSRC != 2 {
		t.Errorf("SSRC %d", p.SSRC)
	}
}

func TestForwardersAreRefused(t *testing.T) {
	t.Parallel()
	s := forwardingNode(t)
	pub := s.dial()
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	pub.publish("feed")
	s.awaitUp(pub.id)
	defer audio.play(t, 10*time.Millisecond)()
	fine := receive(t)
	for name, c := range map[string]struct {
		f    *mediav1.Forwarder
		want fault.Reason
	}{
		"network": {&mediav1.Forwarder{Id: 2, Mid: "0", Host: "192.0.2.1", Port: 5000}, fault.Unauthorized},
		"host":    {&mediav1.Forwarder{Id: 2, Mid: "0", Host: "no.such.host.invalid", Port: 5000}, fault.BadElement},
		"mid":     {&mediav1.Forwarder{Id: 2, Mid: "9", Host: "127.0.0.1", Port: 5000}, fault.NoSuchFeed},
		"layer":   {&mediav1.Forwarder{Id: 2, Mid: "0", Host: "127.0.0.1", Port: 5000, Layer: 1}, fault.NoSuchFeed},
		"port":    {&mediav1.Forwarder{Id: 2, Mid: "0", Host: "127.0.0.1"}, fault.BadElement},
		"key":     {&mediav1.Forwarder{Id: 2, Mid: "0", Host: "127.0.0.1", Port: 5000, SrtpSuite: 80}, fault.BadElement},
	} {
		_, err := s.api.Forward(t.Context(), &mediav1.ForwardRequest{
			Peer: pub.id, Forwarders: []*mediav1.Forwarder{{Id: 1, Mid: "0", Host: "127.0.0.1", Port: fine.port()}, c.f},
		})
		if got := fault.Of(fault.FromStatus(err)); got != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	fine.silent() // once what had gone out before a refusal is read
	response, err := s.api.Forward(t.Context(), &mediav1.ForwardRequest{
		Peer: pub.id, Forwarders: []*mediav1.Forwarder{{Id: 1, Mid: "0", Host: "127.0.0.1", Port: fine.port()}},
	})
	if err != nil || len(response.GetForwarders()) != 1 {
		t.Fatal(err)
	}
	fine.packet()
}
