package media

import (
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func TestAPeerIsDescribed(t *testing.T) {
	t.Parallel()
	s, pub, sub, track := watched(t)
	track.next(t)
	describe := func(id *mediav1.PeerID) *mediav1.DescribePeerResponse {
		t.Helper()
		got, err := s.api.DescribePeer(t.Context(), &mediav1.DescribePeerRequest{SessionId: id.GetSessionId(), HandleId: id.GetHandleId()})
		if err != nil {
			t.Fatal(err)
		}
		if got.GetPeer().GetGeneration() != id.GetGeneration() || !got.GetUp() || !got.GetStarted() ||
			got.GetSrtpProfile() == "" || got.GetSelectedAddress() == "" || len(got.GetLocalCandidates()) == 0 {
			t.Errorf("got %v", got)
		}
		for _, sdp := range []string{got.GetLocalSdp(), got.GetRemoteSdp()} {
			if !strings.HasPrefix(sdp, "v=0") {
				t.Errorf("SDP %q", sdp)
			}
		}
		return got
	}
	from := describe(pub.id).GetSections()
	if len(from) == 0 || len(from[0].GetInbound()) == 0 || from[0].GetInbound()[0].GetPackets() == 0 || from[0].GetOutbound() != nil {
		t.Errorf("publisher: %v", from)
	}
	to := describe(sub.id).GetSections()
	if len(to) == 0 || to[0].GetOutbound().GetPackets() == 0 || len(to[0].GetInbound()) != 0 {
		t.Errorf("subscriber: %v", to)
	}
	_, err := s.api.DescribePeer(t.Context(), &mediav1.DescribePeerRequest{SessionId: 999999, HandleId: 1})
	if fault.Of(fault.FromStatus(err)) != fault.NoSuchPeer {
		t.Errorf("unknown: %v", err)
	}
}
