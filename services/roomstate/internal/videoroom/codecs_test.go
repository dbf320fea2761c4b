package videoroom

import (
	"slices"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// TestACodecThatWasAskedForIsThatOfLaterOffers as at Janus: of m= sections that come with them, until the PeerConnection ends. It has to
// be asked for with an offer.
func TestACodecThatWasAskedForIsThatOfLaterOffers(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":7,"audiocodec":"OPUS,pcmu","videocodec":"VP8,VP9,av1"}`)
	var told []string
	s.refuse = func(q plugin.Question) error {
		if r, ok := q.Request.(*mediav1.AcceptOfferRequest); ok {
			told = append(told, strings.Join(r.GetRules().GetAudioCodecs(), ",")+" "+strings.Join(r.GetRules().GetVideoCodecs(), ","))
		}
		return nil
	}
	const configure = `{"request":"configure"`
	s.send("al", `{"request":"join","room":7,"ptype":"publisher","id":5}`)
	s.send("al", configure+`,"videocodec":"av1"}`)
	s.send("al", `{"request":"publish","videocodec":"VP9"}`, "offer", "audio:opus")
	s.up("al")
	s.send("al", configure+`,"videocodec":"av1"}`)
	s.send("al", configure+`}`, "offer", "audio:opus video:vp9")
	s.send("al", configure+`,"audiocodec":"pcmu"}`, "offer", "audio:opus video:vp9")
	s.send("al", configure+`,"audiocodec":"g722"}`, "offer", "audio:opus video:vp9")
	if last := s.log[len(s.log)-1]; !strings.Contains(last, "Audio codec unavailable in this room") {
		t.Errorf("said %q", last)
	}
	s.send("al", configure+`}`, "offer", "audio:opus video:vp9")
	s.send("al", `{"request":"unpublish"}`)
	s.send("al", `{"request":"publish"}`, "offer", "audio:opus video:vp8")
	want := []string{"opus,pcmu vp9", "opus,pcmu vp9", "pcmu vp9", "pcmu vp9", "opus,pcmu vp8,vp9,av1"}
	if !slices.Equal(told, want) {
		t.Errorf("nodes were told %q, want %q", told, want)
	}
	s.check(t)
}
