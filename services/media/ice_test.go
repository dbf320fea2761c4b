package media

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func TestEndpointRestartsICE(t *testing.T) {
	t.Parallel()
	s, pub, _, track := watched(t)
	before := pub.RemoteDescription().SDP
	r, err := s.api.AcceptOffer(t.Context(), &mediav1.AcceptOfferRequest{
		Peer: pub.id, CommandId: newCommand(), Sdp: pub.offer(&webrtc.OfferOptions{ICERestart: true}), Feed: "feed", Rules: rules(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if attribute(before, "ice-ufrag") == attribute(r.GetSdp(), "ice-ufrag") {
		t.Error("the same credentials again")
	}
	if attribute(before, "candidate") != attribute(r.GetSdp(), "candidate") {
		t.Error("other candidates")
	}
	pub.remote(webrtc.SDPTypeAnswer, r.GetSdp())
	flows(t, track)
	if n := s.count(pub.id, func(e *busv1.PeerEvent) bool { return e.GetUp() != nil || e.GetClosed() != nil }); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestNodeRestartsICE(t *testing.T) {
	t.Parallel()
	s, _, sub, track := watched(t)
	before := sub.RemoteDescription().SDP
	r, err := s.api.MakeOffer(t.Context(), &mediav1.MakeOfferRequest{
		Peer: sub.id, CommandId: newCommand(), Slots: []*mediav1.Slot{slotFor("0", "feed", "0", "vp8")}, IceRestart: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if attribute(before, "ice-ufrag") == attribute(r.GetSdp(), "ice-ufrag") {
		t.Error("the same credentials again")
	}
	sub.answer(r.GetSdp())
	flows(t, track)
}

// flows sees that packets come for longer than it takes an endpoint to notice that they should not.
func flows(t *testing.T, track *received) {
	t.Helper()
	drainPackets(track)
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); {
		track.next(t)
	}
}

func attribute(sdp, key string) string {
	_, rest, _ := strings.Cut(sdp, "a="+key+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

func TestBothDTLSRoles(t *testing.T) {
	t.Parallel()
	for _, role := range []webrtc.DTLSRole{webrtc.DTLSRoleClient, webrtc.DTLSRoleServer} {
		t.Run(role.String(), func(t *testing.T) {
			s := start(t)
			pub := s.dial()
			video := pub.send(webrtc.MimeTypeVP8, "v")
			pub.publish("feed")
			s.awaitUp(pub.id)
			video.play(t, 10*time.Millisecond)
			sub := s.dial(func(d *dialing) {
				if err := d.settings.SetAnsweringDTLSRole(role); err != nil {
					t.Fatal(err)
				}
			})
			sub.subscribe(slotFor("0", "feed", "0", "vp8"))
			sub.track().next(t)
			want := map[webrtc.DTLSRole]string{webrtc.DTLSRoleClient: "active", webrtc.DTLSRoleServer: "passive"}[role]
			if got := attribute(sub.LocalDescription().SDP, "setup"); got != want {
				t.Errorf("answered %s", got)
			}
		})
	}
}

func TestMediaOverTCP(t *testing.T) {
	t.Parallel()
	s := start(t)
	overTCP := func(d *dialing) { d.settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4}) }
	pub := s.dial(overTCP)
	video := pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	s.awaitUp(pub.id)
	video.play(t, 10*time.Millisecond)
	sub := s.dial(overTCP)
	sub.subscribe(slotFor("0", "feed", "0", "vp8"))
	track := sub.track()
	for range 50 {
		track.next(t)
	}
}
