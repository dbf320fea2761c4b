package echotest

import (
	"slices"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// TestACodecThatWasRefusedIsNotAskedForAgain: the next offer is answered as if nothing had been asked for.
func TestACodecThatWasRefusedIsNotAskedForAgain(t *testing.T) {
	s := settings{AudioCodec: new("PCMU"), VideoCodec: new("h265")}
	if r := s.rules(); !slices.Equal(r.GetAudioCodecs(), []string{"pcmu"}) || !slices.Equal(r.GetVideoCodecs(), []string{"h265"}) {
		t.Errorf("asked for %v", r)
	}
	s = s.agreed([]*mediav1.PublishedStream{{Kind: mediav1.Kind_KIND_AUDIO, Codec: "pcmu"}, {Kind: mediav1.Kind_KIND_VIDEO, Disabled: true}})
	if r := s.rules(); !slices.Equal(r.GetAudioCodecs(), []string{"pcmu"}) || len(r.GetVideoCodecs()) < 2 {
		t.Errorf("then %v", r)
	}
}
