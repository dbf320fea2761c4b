package media

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
)

// cascadingNode sends to this machine, and takes what comes from it.
func cascadingNode(t *testing.T) *system {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return start(t, func(c *Config) {
		c.ForwardTo, c.RemoteFrom = local, local
		c.RemotePorts, c.RemoteAddress = rtpreceive.Ports{First: 31000, Last: 31999}, netip.MustParseAddr("127.0.0.1")
	})
}

var remoteStreams = []*mediav1.PublishedStream{
	{Mid: "0", Kind: mediav1.Kind_KIND_AUDIO, Codec: "opus"},
	{Mid: "1", Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp8"},
	{Mid: "2", Kind: mediav1.Kind_KIND_DATA},
}

func (s *system) acceptRemote(t *testing.T, r *mediav1.AcceptRemoteRequest) *mediav1.AcceptRemoteResponse {
	t.Helper()
	if r.Peer == nil {
		r.Peer = newPeer()
	}
	response, err := s.api.AcceptRemote(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// dialUDP returns a socket that sends to a port of this machine.
func dialUDP(t *testing.T, port uint32) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func write(t *testing.T, to *net.UDPConn, p *rtp.Packet) {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Write(b); err != nil {
		t.Fatal(err)
	}
}

// TestRemotePublisher is of what another server would send, by the letter of spec/videoroom.md, section 14.
func TestRemotePublisher(t *testing.T) {
	t.Parallel()
	s := cascadingNode(t)
	request := &mediav1.AcceptRemoteRequest{Peer: newPeer(), CommandId: newCommand(), Feed: "far", Streams: remoteStreams}
	at := s.acceptRemote(t, request)
	if at.GetAddress() != "127.0.0.1" || at.GetPort() == at.GetRtcpPort() || at.GetPort() < 31000 || at.GetRtcpPort() > 31999 {
		t.Errorf("listens at %v", at)
	}
	if again := s.acceptRemote(t, request); again.GetPort() != at.GetPort() {
		t.Errorf("a repeat listens at %v", again)
	}

	sub := s.dial()
	texts := make(chan webrtc.DataChannelMessage, 16)
	sub.OnDataChannel(func(dc *webrtc.DataChannel) {
		if dc.Label() == "far" {
			dc.OnMessage(func(m webrtc.DataChannelMessage) {
				select {
				case texts <- m:
				default: // one is enough
				}
			})
		}
	})
	_, _, open := sub.channel("JanusDataChannel")
	sub.subscribe(slotFor("0", "far", "0", "opus"), slotFor("1", "far", "1", "vp8"), &mediav1.Slot{
		Mid: "2", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "far", Label: "far"}},
	})
	await(t, "open channel", open)

	media, feedback := dialUDP(t, at.GetPort()), dialUDP(t, at.GetRtcpPort())
	for range 2 {
		write(t, feedback, &rtp.Packet{Header: rtp.Header{Version: 2}})
	}
	for _, b := range [][]byte{{}, {0}, []byte("this is no RTP at all"), {0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}} {
		_, _ = media.Write(b)
	}
	asked := make(chan uint32, 100)
	go func() {
		b := make([]byte, 1500)
		for {
			n, err := feedback.Read(b)
			if err != nil {
				return
			}
			packets, err := rtcp.Unmarshal(b[:n])
			if err != nil {
				continue
			}
			for _, p := range packets {
				if pli, ok := p.(*rtcp.PictureLossIndication); ok {
					asked <- pli.MediaSSRC
				}
			}
		}
	}()
	done := make(chan struct{})
	sending := make(chan struct{})
	go func() { // the first key frame comes after two seconds, so that one is wished for

		defer close(sending)
		for n := uint16(65500); ; n++ {
			write(t, media, &rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 33, SSRC: 1000, SequenceNumber: n, Timestamp: uint32(n) * 960},
				Payload: []byte{0xfc, 1, 2},
			})
			write(t, media, &rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 44, SSRC: 1010, SequenceNumber: n, Timestamp: uint32(n) * 3000, Marker: true},
				Payload: vp8Frame(n%300 == 200, int(n)),
			})
			write(t, media, &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 1020, SequenceNumber: n}, Payload: []byte("hello")})
			write(t, media, &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 1999, SequenceNumber: n}, Payload: []byte("of nobody")})
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	stopSending := sync.OnceFunc(func() { close(done); <-sending })
	defer stopSending()
	for range 2 {
		track := sub.track()
		for range 5 {
			track.next(t)
		}
	}
	if m := await(t, "text", texts); !m.IsString || string(m.Data) != "hello" {
		t.Errorf("message %v %q", m.IsString, m.Data)
	}
	if ssrc := await(t, "wish for a key frame", asked); ssrc != 1010 {
		t.Errorf("a key frame of %d is wished for", ssrc)
	}

	// Its streams change; the port stays.
	request = &mediav1.AcceptRemoteRequest{Peer: request.Peer, CommandId: newCommand(), Feed: "far", Streams: append(
		append([]*mediav1.PublishedStream{}, remoteStreams...), &mediav1.PublishedStream{Mid: "3", Kind: mediav1.Kind_KIND_VIDEO, Codec: "h264"},
	)}
	if again := s.acceptRemote(t, request); again.GetPort() != at.GetPort() {
		t.Errorf("the port has changed to %v", again)
	}
	stopSending()
	if _, err := s.api.ClosePeer(t.Context(), &mediav1.ClosePeerRequest{Peer: request.Peer, Quiet: true}); err != nil {
		t.Fatal(err)
	}
	// The port is free again.
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(at.GetPort())})
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// TestCascade sends a publisher from a node to itself, in the clear and by SRTP, and watches it there.
func TestCascade(t *testing.T) {
	t.Parallel()
	for name, crypto := range map[string]*mediav1.SRTP{
		"plain": nil, "SRTP": {Suite: 80, Key: []byte(strings.Repeat("k", 30))}, "short": {Suite: 32, Key: []byte(strings.Repeat("s", 30))},
	} {
		t.Run(name, func(t *testing.T) {
			s := cascadingNode(t)
			pub := s.dial()
			audio, video := pub.send(webrtc.MimeTypeOpus, "a"), pub.send(webrtc.MimeTypeVP8, "v")
			video.every = 1 << 30 // only when asked
			dc, _, open := pub.channel("any")
			pub.publish("near")
			s.awaitUp(pub.id)
			await(t, "open channel", open)
			defer audio.play(t, 10*time.Millisecond)()
			defer video.play(t, 10*time.Millisecond)()

			far := &mediav1.AcceptRemoteRequest{Feed: "far", Streams: remoteStreams, Srtp: crypto}
			at := s.acceptRemote(t, far)
			servers := []*mediav1.RemoteServer{{Id: "eu", Host: "127.0.0.1", Port: at.GetPort(), RtcpPort: at.GetRtcpPort(), Srtp: crypto}}
			for range 2 { // a repeat changes nothing
				if _, err := s.api.PublishRemotely(t.Context(), &mediav1.PublishRemotelyRequest{Peer: pub.id, Servers: servers}); err != nil {
					t.Fatal(err)
				}
			}
			sub := s.dial()
			texts := make(chan webrtc.DataChannelMessage, 16)
			sub.OnDataChannel(func(dc *webrtc.DataChannel) {
				if dc.Label() == "far" {
					dc.OnMessage(func(m webrtc.DataChannelMessage) { texts <- m })
				}
			})
			_, _, opened := sub.channel("JanusDataChannel")
			sub.subscribe(slotFor("0", "far", "0", "opus"), slotFor("1", "far", "1", "vp8"), &mediav1.Slot{
				Mid: "2", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "far", Label: "far"}},
			})
			await(t, "open channel", opened)
			for range 2 { // the video's begins with a key frame, which is to be asked for all the way
				track := sub.track()
				for range 5 {
					track.next(t)
				}
			}
			for _, m := range []webrtc.DataChannelMessage{{IsString: true, Data: []byte("text")}, {Data: []byte{0, 1, 2}}} {
				send := func() error { return dc.Send(m.Data) }
				if m.IsString {
					send = func() error { return dc.SendText(string(m.Data)) }
				}
				if err := send(); err != nil {
					t.Fatal(err)
				}
				if got := await(t, "message", texts); got.IsString != m.IsString || string(got.Data) != string(m.Data) {
					t.Errorf("message %v %q", got.IsString, got.Data)
				}
			}
			publish := func(servers []*mediav1.RemoteServer) fault.Reason {
				_, err := s.api.PublishRemotely(t.Context(), &mediav1.PublishRemotelyRequest{Peer: pub.id, Servers: servers})
				if err == nil {
					return ""
				}
				return fault.Of(fault.FromStatus(err))
			}
			also := append(servers, &mediav1.RemoteServer{Id: "us", Host: "127.0.0.1", Port: 9, Srtp: crypto})
			if why := publish(also); crypto != nil && why != fault.BadElement {
				t.Errorf("one key for two servers: %v", why)
			}
			if _, err := s.api.UnpublishRemotely(t.Context(), &mediav1.UnpublishRemotelyRequest{Peer: pub.id, Id: "eu"}); err != nil {
				t.Fatal(err)
			}
			// The numbers have gone over 65535 by now: who begins to receive does not know how often.
			if why := publish(servers); crypto != nil && why != fault.BadElement {
				t.Errorf("a key whose rollover counter the receiver cannot know: %v", why)
			}
		})
	}
}

// TestPublishedAgainGoesOnRemotely: under its key, the next peer of a publisher goes on where the last was, on the node that knows
// where that is.
func TestPublishedAgainGoesOnRemotely(t *testing.T) {
	t.Parallel()
	s, other := cascadingNode(t), cascadingNode(t)
	crypto := &mediav1.SRTP{Suite: 80, Key: []byte(strings.Repeat("k", 30))}
	far := receive(t)
	receiver, err := srtp.CreateContext(crypto.Key[:16], crypto.Key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80, srtp.SRTPReplayProtection(64))
	if err != nil {
		t.Fatal(err)
	}
	server := &mediav1.RemoteServer{Id: "eu", Host: "127.0.0.1", Port: far.port(), Srtp: crypto}
	publish := func(s *system, id *mediav1.PeerID) (string, error) {
		response, err := s.api.PublishRemotely(t.Context(), &mediav1.PublishRemotelyRequest{Peer: id, Servers: []*mediav1.RemoteServer{server}})
		if err != nil {
			return "", fault.FromStatus(err)
		}
		return response.GetKeepers()[0], nil
	}
	var last *mediav1.PeerID
	dial := func(s *system) *endpoint {
		pub := s.dial()
		if last != nil {
			pub.id = &mediav1.PeerID{SessionId: last.SessionId, HandleId: last.HandleId, Generation: last.Generation + 1}
		}
		last = pub.id
		audio := pub.send(webrtc.MimeTypeOpus, "a")
		pub.publish(fmt.Sprint("near", pub.id.Generation))
		s.awaitUp(pub.id)
		t.Cleanup(audio.play(t, 10*time.Millisecond))
		return pub
	}
	for range 3 { // each begins at 65500
		pub := dial(s)
		keeper, err := publish(s, pub.id)
		if err != nil {
			t.Fatal(err)
		}
		if keeper == "" || server.Resumes && keeper != server.Keeper {
			t.Errorf("kept by %q, not %q", keeper, server.Keeper)
		}
		server.Resumes, server.Keeper = true, keeper
		for i := range 60 {
			b, _ := far.datagram()
			if _, err := receiver.DecryptRTP(nil, b, nil); err != nil {
				t.Fatalf("packet %d of generation %d: %v", i, pub.id.Generation, err)
			}
		}
	}
	if _, err := publish(other, dial(other).id); fault.Of(err) != fault.BadElement {
		t.Errorf("resumed on another node: %v", err)
	}
	server.Keeper = ""
	if _, err := publish(s, dial(s).id); fault.Of(err) != fault.BadElement {
		t.Errorf("resumed under a key that nobody knows of: %v", err)
	}
}

// TestWhatIsAddedIsPublishedRemotely: a stream of a later offer goes on as well.
func TestWhatIsAddedIsPublishedRemotely(t *testing.T) {
	t.Parallel()
	s := cascadingNode(t)
	pub := s.dial()
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	pub.publish("near")
	s.awaitUp(pub.id)
	defer audio.play(t, 10*time.Millisecond)()
	far := receive(t)
	servers := []*mediav1.RemoteServer{{Id: "eu", Host: "127.0.0.1", Port: far.port()}}
	if _, err := s.api.PublishRemotely(t.Context(), &mediav1.PublishRemotelyRequest{Peer: pub.id, Servers: servers}); err != nil {
		t.Fatal(err)
	}
	if p := far.packet(); p.SSRC != 1000 {
		t.Errorf("SSRC %d", p.SSRC)
	}
	video := pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("near")
	defer video.play(t, 10*time.Millisecond)()
	for deadline := time.Now().Add(patience); far.packet().SSRC != 1010; {
		if time.Now().After(deadline) {
			t.Fatal("nothing of the video")
		}
	}
}

func TestRemotePublishersAreRefused(t *testing.T) {
	t.Parallel()
	s := cascadingNode(t)
	for name, c := range map[string]struct {
		r    *mediav1.AcceptRemoteRequest
		want fault.Reason
	}{
		"port":  {&mediav1.AcceptRemoteRequest{Port: 30999}, fault.TooBusy},
		"range": {&mediav1.AcceptRemoteRequest{Port: 70000}, fault.BadElement},
		"key":   {&mediav1.AcceptRemoteRequest{Srtp: &mediav1.SRTP{Suite: 80, Key: []byte("short")}}, fault.BadElement},
		"suite": {&mediav1.AcceptRemoteRequest{Srtp: &mediav1.SRTP{Suite: 40, Key: make([]byte, 30)}}, fault.BadElement},
		"codec": {&mediav1.AcceptRemoteRequest{Streams: []*mediav1.PublishedStream{{Mid: "0", Kind: mediav1.Kind_KIND_VIDEO, Codec: "h265"}}}, fault.InvalidSDP},
		"many":  {&mediav1.AcceptRemoteRequest{Streams: make([]*mediav1.PublishedStream, 65)}, fault.InvalidSDP},
	} {
		c.r.Peer, c.r.Feed = newPeer(), "far"
		if _, err := s.api.AcceptRemote(t.Context(), c.r); fault.Of(fault.FromStatus(err)) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.acceptRemote(t, &mediav1.AcceptRemoteRequest{Feed: "far", Streams: remoteStreams}) // nothing is left of the others

	off := start(t)
	if _, err := off.api.AcceptRemote(t.Context(), &mediav1.AcceptRemoteRequest{Peer: newPeer(), Feed: "far"}); fault.Of(fault.FromStatus(err)) != fault.TooBusy {
		t.Errorf("without networks: %v", err)
	}
	pub := off.dial()
	pub.send(webrtc.MimeTypeOpus, "a")
	pub.publish("near")
	servers := []*mediav1.RemoteServer{{Id: "eu", Host: "127.0.0.1", Port: 9}}
	if _, err := off.api.PublishRemotely(t.Context(), &mediav1.PublishRemotelyRequest{Peer: pub.id, Servers: servers}); fault.Of(fault.FromStatus(err)) != fault.Unauthorized {
		t.Errorf("to a network that is not allowed: %v", err)
	}
}

func TestStrangersAreNotHeard(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config) {
		c.RemoteFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		c.RemotePorts = rtpreceive.Ports{First: 31000, Last: 31999}
	})
	at := s.acceptRemote(t, &mediav1.AcceptRemoteRequest{Feed: "far", Streams: remoteStreams})
	media := dialUDP(t, at.GetPort())
	counted := func(what string) bool {
		return strings.Contains(metrics(t, s), fmt.Sprintf("cardea_media_%s 0\n", what))
	}
	for deadline := time.Now().Add(patience); counted(`remote_drops_total{reason="stranger"}`); time.Sleep(20 * time.Millisecond) {
		write(t, media, &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 1000}, Payload: []byte{1}})
		if time.Now().After(deadline) {
			t.Fatal("not counted")
		}
	}
	if !counted("remote_received_total") {
		t.Error("a stranger was heard")
	}
}

// TestNobodysStream: a slot of a dummy publisher's is active, and later gets another's stream without an offer.
func TestNobodysStream(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	audio := pub.send(webrtc.MimeTypeOpus, "a")
	pub.publish("feed")
	s.awaitUp(pub.id)
	defer audio.play(t, 10*time.Millisecond)()
	sub := s.dial()
	if ready := sub.subscribe(slotFor("0", "", "0", "opus")); len(ready) != 1 {
		t.Fatalf("ready: %v", ready)
	}
	s.awaitUp(sub.id)
	update := &mediav1.UpdateSubscriberRequest{Peer: sub.id, Slots: []*mediav1.Slot{slotFor("0", "feed", "0", "opus")}}
	if _, err := s.api.UpdateSubscriber(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	sub.track().next(t)
}
