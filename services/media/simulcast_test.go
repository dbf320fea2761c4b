package media

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// sendLayers adds a simulcast track of three layers, h first, and returns what writes a frame of each: its last byte
// names the layer.
func (e *endpoint) sendLayers() func() {
	e.t.Helper()
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	var tracks []*webrtc.TrackLocalStaticRTP
	var sender *webrtc.RTPSender
	for _, rid := range []string{"h", "m", "l"} {
		track, err := webrtc.NewTrackLocalStaticRTP(capability, "v", "stream", webrtc.WithRTPStreamID(rid))
		if err != nil {
			e.t.Fatal(err)
		}
		if sender == nil {
			sender, err = e.AddTrack(track)
		} else {
			err = sender.AddEncoding(track)
		}
		if err != nil {
			e.t.Fatal(err)
		}
		tracks = append(tracks, track)
	}
	e.drain(sender, func() {})
	frame := 0
	return func() {
		parameters := sender.GetParameters()
		var midID, ridID uint8
		for _, x := range parameters.HeaderExtensions {
			switch x.URI {
			case "urn:ietf:params:rtp-hdrext:sdes:mid":
				midID = uint8(x.ID)
			case "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id":
				ridID = uint8(x.ID)
			}
		}
		for i, track := range tracks {
			p := rtp.Packet{
				Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: uint16(1000*i + frame), Timestamp: uint32(3000 * frame)},
				Payload: append(vp8Frame(frame%10 == 0, frame), track.RID()[0]),
			}
			if midID != 0 && p.SetExtension(midID, []byte("0")) != nil {
				e.t.Error("no mid")
			}
			if p.SetExtension(ridID, []byte(track.RID())) != nil || track.WriteRTP(&p) != nil {
				e.t.Error("layer not sent")
			}
		}
		frame++
	}
}

func TestSubscriberChoosesALayer(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	write := pub.sendLayers()
	answer := pub.publish("feed")
	if st := answer.GetStreams()[0]; !st.GetSimulcast() {
		t.Fatalf("no simulcast: %v\n%s", st, answer.GetSdp())
	}
	s.awaitUp(pub.id)
	every(t, 10*time.Millisecond, write)
	for layer := range uint32(3) {
		s.await(pub.id, "layer", func(e *busv1.PeerEvent) bool {
			m := e.GetMedia()
			return m.GetReceiving() && m.Substream != nil && m.GetSubstream() == layer
		})
	}

	sub := s.dial()
	sub.subscribe(slotFor("0", "feed", "0", "vp8"))
	track := sub.track()
	last := track.next(t)
	for substream, rid := range []byte("lmh") {
		slot := slotFor("0", "feed", "0", "vp8")
		slot.Layers = &mediav1.Layers{Substream: uint32(substream), Temporal: 2}
		if _, err := s.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{Peer: sub.id, Slots: []*mediav1.Slot{slot}}); err != nil {
			t.Fatal(err)
		}
		s.await(sub.id, "layer", func(e *busv1.PeerEvent) bool {
			return e.GetLayer() != nil && e.GetLayer().Substream != nil && e.GetLayer().GetSubstream() == int32(substream)
		})
		inARow := 0
		for deadline := time.Now().Add(patience); inARow < 20; {
			p := track.next(t)
			if p.SequenceNumber != last.SequenceNumber+1 {
				t.Fatalf("%d after %d", p.SequenceNumber, last.SequenceNumber)
			}
			last = p
			if p.Payload[len(p.Payload)-1] == rid {
				inARow++
			} else if inARow = 0; time.Now().After(deadline) {
				t.Fatalf("substream %d is not layer %c", substream, rid)
			}
		}
	}
}

func TestLayersAreKnownByTheirRIDsAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	write := pub.sendLayers()
	answer := pub.publish("feed", func(r *mediav1.AcceptOfferRequest) {
		r.Sdp = regexp.MustCompile(`a=extmap:\d+ urn:ietf:params:rtp-hdrext:sdes:mid\r\n`).ReplaceAllString(r.Sdp, "")
	})
	if st := answer.GetStreams()[0]; !st.GetSimulcast() || strings.Contains(answer.GetSdp(), "sdes:mid") {
		t.Fatalf("%v\n%s", st, answer.GetSdp())
	}
	s.awaitUp(pub.id)
	every(t, 10*time.Millisecond, write)
	for layer := range uint32(3) {
		s.await(pub.id, "layer", func(e *busv1.PeerEvent) bool {
			m := e.GetMedia()
			return m.GetReceiving() && m.Substream != nil && m.GetSubstream() == layer
		})
	}
}
