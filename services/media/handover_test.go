package media

import (
	"bytes"
	"testing"

	"github.com/pion/webrtc/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// TestALastExportCanBeAskedForAgain is for an answer that gets lost: the peer has left then, and nobody else knows how far
// it got.
func TestALastExportCanBeAskedForAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	pub.send(webrtc.MimeTypeVP8, "v")
	pub.publish("feed")
	s.awaitUp(pub.id)
	version := uint64(1)
	askFor := func(version *uint64, to string) (*mediav1.ExportPeerResponse, error) {
		return s.api.ExportPeer(t.Context(), &mediav1.ExportPeerRequest{Peer: pub.id, LeaveAtVersion: version, To: to})
	}
	ask := func(version *uint64) (*mediav1.ExportPeerResponse, error) { return askFor(version, "192.0.2.1:50051") }
	if _, err := ask(nil); err != nil {
		t.Fatal(err)
	}
	first, err := ask(&version)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ask(&version)
	if err != nil || !bytes.Equal(again.GetState(), first.GetState()) {
		t.Errorf("another state, or %v", err)
	}
	if _, err := askFor(&version, "192.0.2.2:50051"); status.Code(err) != codes.NotFound {
		t.Errorf("another node gets it too: %v", err)
	}
	for name, version := range map[string]*uint64{"without leaving": nil, "of another version": new(version + 1)} {
		if _, err := ask(version); status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
