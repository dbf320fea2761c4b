//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// handoverPage has a PeerConnection that publishes and one that subscribes.
const handoverPage = `<!doctype html><video id=picture autoplay playsinline></video><script>
const gathered = pc => new Promise(done => {
	const look = () => pc.iceGatheringState === 'complete' && done();
	pc.addEventListener('icegatheringstatechange', look);
	look();
});
const pcs = {};
async function publish() {
	const pc = pcs.publisher = new RTCPeerConnection();
	const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360}});
	pc.addTrack(stream.getAudioTracks()[0], stream);
	pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', streams: [stream], sendEncodings: [
		{rid: 'h', maxBitrate: 900000}, {rid: 'm', maxBitrate: 300000, scaleResolutionDownBy: 2}, {rid: 'l', maxBitrate: 100000, scaleResolutionDownBy: 4}]});
	await pc.setLocalDescription();
	await gathered(pc);
	return pc.localDescription.sdp;
}
async function subscribe(offer) {
	const pc = pcs.subscriber = new RTCPeerConnection();
	pc.ontrack = e => { picture.srcObject = e.streams[0]; };
	await pc.setRemoteDescription({type: 'offer', sdp: offer});
	await pc.setLocalDescription();
	await gathered(pc);
	return pc.localDescription.sdp;
}
async function candidates(who, all) {
	for (const candidate of all) await pcs[who].addIceCandidate({candidate: 'candidate:' + candidate, sdpMid: pcs[who].getTransceivers()[0].mid});
	return true;
}
async function stats() {
	const all = {publisher: pcs.publisher.connectionState, subscriber: pcs.subscriber.connectionState};
	for (const s of (await pcs.subscriber.getStats()).values()) {
		if (s.type !== 'inbound-rtp') continue;
		all[s.kind] = {ssrc: s.ssrc, packets: s.packetsReceived, lost: s.packetsLost, frames: s.framesDecoded ?? 0,
			keyframes: s.keyFramesDecoded ?? 0, frozen: s.totalFreezesDuration ?? 0, height: s.frameHeight ?? 0, energy: s.totalAudioEnergy ?? 0, nacks: s.nackCount ?? 0, plis: s.pliCount ?? 0, repaired: s.retransmittedPacketsReceived ?? 0};
	}
	for (const s of (await pcs.publisher.getStats()).values()) if (s.type === 'outbound-rtp' && s.kind === 'video') all.plis = (all.plis ?? 0) + s.pliCount;
	return all;
}
</script>`

type handoverStats struct {
	Publisher, Subscriber string
	Audio, Video          struct {
		SSRC, Packets         uint64
		Lost                  int
		Frames, Keyframes     int
		Height                int
		Energy, Frozen        float64
		NACKs, PLIs, Repaired int
	}
	PLIs int
}

// TestPeersMoveBetweenNodes takes a live publisher and a live subscriber from one node to another, and to a third. All
// that the page does for it is to take a candidate.
func TestPeersMoveBetweenNodes(t *testing.T) {
	nodes := cluster.StartNodes(t, 3)
	var api []mediav1.MediaClient
	for _, n := range nodes {
		conn, err := grpc.NewClient(n.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		api = append(api, mediav1.NewMediaClient(conn))
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(handoverPage))
	}))
	t.Cleanup(page.Close)
	tab := chrome.Start(t).Open(t, "call", page.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	publisher := &mediav1.PeerID{SessionId: 1, HandleId: 1, Generation: 1}
	subscriber := &mediav1.PeerID{SessionId: 1, HandleId: 2, Generation: 1}
	call(ctx, t, tab, api[0], publisher, subscriber)
	tab.WaitFor("the best layer", `stats().then(s => s.video?.height === 360 && s.video.frames > 60)`, 30*time.Second)

	for i := range 2 {
		from, to := i, i+1
		before := chrome.Eval[handoverStats](tab, "stats()")
		for who, id := range map[string]*mediav1.PeerID{"publisher": publisher, "subscriber": subscriber} {
			taken, err := api[to].TakePeer(ctx, &mediav1.TakePeerRequest{Peer: id, From: nodes[from].GRPC})
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
			all, _ := json.Marshal(taken.GetCandidates())
			chrome.Eval[bool](tab, fmt.Sprintf("candidates(%q, %s)", who, all))
		}
		nodes[from].WaitPeers(t, 0, 20*time.Second)
		nodes[to].WaitPeers(t, 2, 20*time.Second)
		tab.WaitFor("pictures to go on", fmt.Sprintf("stats().then(s => s.video.frames > %d)", before.Video.Frames+90), 30*time.Second)
		after := chrome.Eval[handoverStats](tab, "stats()")
		t.Logf("move %d\nbefore %+v\nafter  %+v", i+1, before, after)
		tab.Screenshot(fmt.Sprint("move", i+1))
		switch {
		case after.Publisher != "connected" || after.Subscriber != "connected":
			t.Errorf("connections: %s, %s", after.Publisher, after.Subscriber)
		case after.Video.SSRC != before.Video.SSRC || after.Audio.SSRC != before.Audio.SSRC:
			t.Error("other SSRCs")
		case after.Video.Height != before.Video.Height:
			t.Errorf("height was %d, is %d", before.Video.Height, after.Video.Height)
		case after.Audio.Energy <= before.Audio.Energy:
			t.Error("no sound any more")
		case after.Video.Frozen > before.Video.Frozen+2:
			t.Errorf("the picture froze for %v s", after.Video.Frozen-before.Video.Frozen)
		case after.Audio.Lost > before.Audio.Lost+10:
			t.Errorf("%d packets of sound were lost", after.Audio.Lost-before.Audio.Lost)
		}
	}
}

// call makes the page publish to a node, and subscribe to itself.
func call(ctx context.Context, t *testing.T, tab *chrome.Tab, api mediav1.MediaClient, publisher, subscriber *mediav1.PeerID) {
	t.Helper()
	answer, err := api.AcceptOffer(ctx, &mediav1.AcceptOfferRequest{
		Peer: publisher, CommandId: "offer", Feed: "feed", SessionName: "call", Sdp: chrome.Eval[string](tab, "publish()"),
		Rules: &mediav1.PublishRules{AudioCodecs: []string{"opus"}, VideoCodecs: []string{"vp8"}, TransportCc: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	chrome.Eval[bool](tab, "pcs.publisher.setRemoteDescription({type: 'answer', sdp: "+quoted(answer.GetSdp())+"}).then(() => true)")
	var slots []*mediav1.Slot
	best := &mediav1.Layers{Substream: 2, Temporal: 2, SpatialLayer: 2, TemporalLayer: 2}
	for i, s := range answer.GetStreams() {
		slots = append(slots, &mediav1.Slot{
			Mid: fmt.Sprint(i), Kind: s.GetKind(), Codec: s.GetCodec(), Msid: "call " + s.GetMid(), Send: true, Layers: best,
			Source: &mediav1.Source{Feed: "feed", Mid: s.GetMid()},
		})
	}
	offer, err := api.MakeOffer(ctx, &mediav1.MakeOfferRequest{Peer: subscriber, CommandId: "subscribe", SessionName: "call", Slots: slots})
	if err != nil {
		t.Fatal(err)
	}
	sdp := chrome.Eval[string](tab, "subscribe("+quoted(offer.GetSdp())+")")
	if _, err := api.AcceptAnswer(ctx, &mediav1.AcceptAnswerRequest{Peer: subscriber, CommandId: "answer", Sdp: sdp}); err != nil {
		t.Fatal(err)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
