package videocall

import (
	"encoding/json"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// TestAdministratorsSeeWhatANodeSaysOfAParty: codecs, and files that are written.
func TestAdministratorsSeeWhatANodeSaysOfAParty(t *testing.T) {
	of, ok := (&Plugin{}).Describe(nil, plugin.HandleID{}).(plugin.Measured)
	if !ok {
		t.Fatal("nothing a node says is told")
	}
	got, err := json.Marshal(of.With(&mediav1.DescribePeerResponse{RembBps: 7, Sections: []*mediav1.DescribePeerResponse_Section{
		{Kind: mediav1.Kind_KIND_AUDIO, Codec: "opus", Recording: "x-audio.mjr"}, {Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp8"},
	}}))
	const want = `{"state":"idle","incall":0,"audio_active":false,"video_active":false,"audio_codec":"opus","video_codec":"vp8","bitrate":0,` +
		`"peer-bitrate":7,"recording":{"audio":"x-audio.mjr"},"e2ee":false,"hangingup":0,"destroyed":0}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
