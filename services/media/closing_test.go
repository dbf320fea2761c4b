package media

import (
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func TestEndpointThatClosesIsADTLSAlert(t *testing.T) {
	t.Parallel()
	s, pub, sub, _ := watched(t)
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	s.awaitClosed(sub.id, "DTLS alert")
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	s.awaitClosed(pub.id, "DTLS alert")
}

func TestEndpointHearsThatThePeerIsClosed(t *testing.T) {
	t.Parallel()
	s, pub, _, _ := watched(t)
	gone := make(chan struct{}, 8)
	pub.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateClosed || state == webrtc.PeerConnectionStateFailed || state == webrtc.PeerConnectionStateDisconnected {
			gone <- struct{}{}
		}
	})
	if _, err := s.api.ClosePeer(t.Context(), &mediav1.ClosePeerRequest{Peer: pub.id, Reason: "Close PC"}); err != nil {
		t.Fatal(err)
	}
	s.awaitClosed(pub.id, "Close PC")
	await(t, "end of the connection", gone)
}

func TestWrongFingerprintIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	const key = "a=fingerprint:sha-256 "
	for name, change := range map[string]func(sdp string) string{
		"the only one": func(sdp string) string {
			at := strings.Index(sdp, key) + len(key)
			other := "00"
			if sdp[at:at+2] == other {
				other = "11"
			}
			return sdp[:at] + other + sdp[at+2:]
		},
		"a stronger one beside": func(sdp string) string {
			return strings.Replace(sdp, key, "a=fingerprint:sha-512 "+strings.Repeat("00:", 63)+"00\r\n"+key, 1)
		},
	} {
		pub := s.dial()
		pub.send(webrtc.MimeTypeVP8, "v")
		pub.publish("feed", func(r *mediav1.AcceptOfferRequest) { r.Sdp = change(r.Sdp) })
		s.awaitClosed(pub.id, "DTLS alert")
		if n := s.count(pub.id, func(e *busv1.PeerEvent) bool { return e.GetUp() != nil }); n != 0 {
			t.Errorf("%s: up with a wrong certificate", name)
		}
	}
}

func TestEndpointIsKnownByALongerHash(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	text, err := pub.GetConfiguration().Certificates[0].PEM()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	if block.Type != "CERTIFICATE" {
		t.Fatal(block.Type)
	}
	sum := sha512.Sum512(block.Bytes)
	pub.publish("feed", func(r *mediav1.AcceptOfferRequest) {
		is := regexp.MustCompile(`a=fingerprint:sha-256 [^\r]*`)
		r.Sdp = is.ReplaceAllString(r.Sdp, "a=fingerprint:sha-512 "+strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"))
	})
	s.awaitUp(pub.id)
}

func TestShutdownClosesPeersAndSaysSo(t *testing.T) {
	t.Parallel()
	s, pub, sub, _ := watched(t)
	leaving := make(chan struct{}, 8)
	_, err := s.nats.Subscribe("cardea.node.beat", beats(t, func(b *busv1.NodeStatus) {
		if b.GetLeaving() {
			leaving <- struct{}{}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.nats.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	await(t, "last beat", leaving)
	s.awaitClosed(pub.id, "Shutdown")
	s.awaitClosed(sub.id, "Shutdown")
}

func TestBeatsTellTheLoad(t *testing.T) {
	t.Parallel()
	s, _, _, _ := watched(t)
	busy := make(chan *busv1.NodeStatus, 8)
	_, err := s.nats.Subscribe("cardea.node.beat", beats(t, func(b *busv1.NodeStatus) {
		if b.GetPeers() == 2 && b.GetPacketsPerSecond() > 50 {
			select {
			case busy <- b:
			default:
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	b := await(t, "beat with load", busy)
	if b.GetName() != "node-0" || b.GetGrpcAddress() != s.addresses.GRPC || b.GetId() == "" {
		t.Errorf("beat %v", b)
	}
}

func TestRubbishIsCountedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s, _, _, track := watched(t)
	conn, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", port(s)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for first := range 256 {
		for _, size := range []int{1, 8, 20, 28, 1200, 3000} {
			b := make([]byte, size)
			b[0] = byte(first)
			if size > 20 { // STUN's cookie, and a length that lies
				copy(b[2:], []byte{0xff, 0xf0, 0x21, 0x12, 0xa4, 0x42})
			}
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	drainPackets(track)
	for range 20 {
		track.next(t)
	}
	if body := metrics(t, s); !strings.Contains(body, `cardea_media_drops_total{reason="unknown_path"}`) || strings.Contains(body, `cardea_media_drops_total{reason="unknown_path"} 0`) {
		t.Errorf("no drops counted:\n%s", body)
	}
}

func TestMediaStateFollowsTheMedia(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	video := pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	s.awaitUp(pub.id)
	stop := video.play(t, 10*time.Millisecond)
	state := func(receiving bool) func(*busv1.PeerEvent) bool {
		return func(e *busv1.PeerEvent) bool {
			m := e.GetMedia()
			return m != nil && m.GetMid() == "0" && m.GetType() == "video" && m.GetReceiving() == receiving && m.Substream == nil
		}
	}
	s.await(pub.id, "receiving", state(true))
	stop()
	s.await(pub.id, "not receiving", state(false))
}
