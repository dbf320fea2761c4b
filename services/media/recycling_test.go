package media

import (
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// sectionOf cuts an offer where its first m= section of a kind begins.
func sectionOf(offer, kind string) (before, section string) {
	at := strings.Index(offer, "m="+kind)
	return offer[:at], offer[at:]
}

func TestRejectedSectionIsRecycled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind, codec string
		with              func(video, audio string) string // what takes the section's place
	}{
		{"with another mid", "video", "vp8", func(video, _ string) string { return strings.Replace(video, "a=mid:1\r\n", "a=mid:2\r\n", 1) }},
		{"with another kind", "audio", "opus", func(_, audio string) string { return strings.Replace(audio, "a=mid:0\r\n", "a=mid:2\r\n", 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t)
			pub := s.dial()
			pub.send(webrtc.MimeTypeOpus, "a")
			pub.send(webrtc.MimeTypeVP8, "v")
			first := pub.offer()
			head, video := sectionOf(first, "video")
			_, audio := sectionOf(head, "audio")
			accept := func(sdp string) (*mediav1.AcceptOfferResponse, error) {
				return s.api.AcceptOffer(t.Context(), &mediav1.AcceptOfferRequest{
					Peer: pub.id, CommandId: newCommand(), Sdp: sdp, Feed: "feed", SessionName: "VideoRoom 1234", Rules: rules(),
				})
			}
			recycled := head + c.with(video, audio)
			if _, err := accept(first); err != nil {
				t.Fatal(err)
			}
			if _, err := accept(recycled); fault.Of(fault.FromStatus(err)) != fault.InvalidSDP {
				t.Errorf("a section in use was replaced: %v", err)
			}
			if _, err := accept(head + strings.Replace(video, "m=video 9 ", "m=video 0 ", 1)); err != nil {
				t.Fatal(err)
			}
			answer, err := accept(recycled)
			if err != nil {
				t.Fatal(err)
			}
			if streams := answer.GetStreams(); len(streams) != 2 || streams[1].GetMid() != "2" || streams[1].GetCodec() != c.codec {
				t.Errorf("streams %v", streams)
			}
			if _, again := sectionOf(answer.GetSdp(), c.kind+" 9 "); !strings.Contains(again, "a=mid:2\r\n") {
				t.Errorf("answer:\n%s", answer.GetSdp())
			}
			watcher := s.dial()
			if offer := watcher.makeOffer(slotFor("0", "feed", "2", c.codec)); !strings.Contains(offer, "a=sendonly") {
				t.Errorf("offer of the new stream:\n%s", offer)
			}
		})
	}
}
