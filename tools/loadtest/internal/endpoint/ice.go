package endpoint

import (
	"context"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// checkInterval is how often ICE has something to do until it is connected; browsers' is about the same.
const checkInterval = 20 * time.Millisecond

// hasten makes pion look at its ICE checks each checkInterval until ctx ends or they are done. By itself it looks each
// 200 ms, and only then nominates a pair that has answered at once: time that would be counted as the server's if that
// is ICE-lite. What makes it look is a new remote candidate, so it gets some that it can do nothing with: passive TCP,
// since our active TCP is off.
func hasten(ctx context.Context, pc *webrtc.PeerConnection) {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	for port := 1; ; port++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		switch pc.ICEConnectionState() {
		case webrtc.ICEConnectionStateNew, webrtc.ICEConnectionStateChecking:
			candidate := fmt.Sprintf("candidate:1 1 tcp 1 127.0.0.1 %d typ host tcptype passive", port)
			if pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate}) != nil {
				return // closed
			}
		default:
			return
		}
	}
}
