//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// callPage has a PeerConnection that publishes and one that subscribes, for tests that talk to nodes directly.
const callPage = `<!doctype html><video id=picture autoplay playsinline></video><script>
const gathered = pc => new Promise(done => {
	const look = () => pc.iceGatheringState === 'complete' && done();
	pc.addEventListener('icegatheringstatechange', look);
	look();
});
const pcs = {}, configuration = JSON.parse(new URLSearchParams(location.search).get('configuration') ?? '{}');
const simulcast = [{rid: 'h', maxBitrate: 900000}, {rid: 'm', maxBitrate: 300000, scaleResolutionDownBy: 2}, {rid: 'l', maxBitrate: 100000, scaleResolutionDownBy: 4}];
async function publish(codec, sendEncodings) {
	const pc = pcs.publisher = new RTCPeerConnection(configuration);
	const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360}});
	pc.addTrack(stream.getAudioTracks()[0], stream);
	const video = pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', streams: [stream], sendEncodings});
	const codecs = RTCRtpSender.getCapabilities('video').codecs;
	video.setCodecPreferences(codecs.filter(c => [codec, 'video/rtx'].includes(c.mimeType.toLowerCase())));
	await pc.setLocalDescription();
	await gathered(pc);
	return pc.localDescription.sdp;
}
async function subscribe(offer) {
	const pc = pcs.subscriber = new RTCPeerConnection(configuration);
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

// call is a page that publishes to a node, and subscribes to itself.
type call struct {
	*chrome.Tab
	publisher, subscriber *mediav1.PeerID
	slots                 []*mediav1.Slot
}

// startCall has a page call a node with a codec in some encodings, which are JavaScript.
func startCall(ctx context.Context, t *testing.T, api mediav1.MediaClient, codec, encodings string) *call {
	t.Helper()
	return startCallWith(ctx, t, api, codec, encodings, "{}")
}

// startCallWith does the same with an RTCConfiguration, as JSON.
func startCallWith(ctx context.Context, t *testing.T, api mediav1.MediaClient, codec, encodings, configuration string) *call {
	t.Helper()
	return startCallOver(ctx, t, api, api, "", codec, encodings, configuration)
}

// startCallOver does the same with a publisher on one node, whose gRPC address is at, and a subscriber on another.
func startCallOver(ctx context.Context, t *testing.T, api, far mediav1.MediaClient, at, codec, encodings, configuration string) *call {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(callPage))
	}))
	t.Cleanup(page.Close)
	c := &call{
		Tab:       chrome.Start(t).Open(t, "call", page.URL+"/?configuration="+url.QueryEscape(configuration)),
		publisher: &mediav1.PeerID{SessionId: 1, HandleId: 1, Generation: 1}, subscriber: &mediav1.PeerID{SessionId: 1, HandleId: 2, Generation: 1},
	}
	answer, err := api.AcceptOffer(ctx, &mediav1.AcceptOfferRequest{
		Peer: c.publisher, CommandId: "offer", Feed: "feed", SessionName: "call", Sdp: chrome.Eval[string](c.Tab, fmt.Sprintf("publish(%q, %s)", "video/"+codec, encodings)),
		Rules: &mediav1.PublishRules{AudioCodecs: []string{"opus"}, VideoCodecs: []string{codec}, TransportCc: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	chrome.Eval[bool](c.Tab, "pcs.publisher.setRemoteDescription({type: 'answer', sdp: "+quoted(answer.GetSdp())+"}).then(() => true)")
	best := &mediav1.Layers{Substream: 2, Temporal: 2, SpatialLayer: 2, TemporalLayer: 2}
	for i, s := range answer.GetStreams() {
		c.slots = append(c.slots, &mediav1.Slot{
			Mid: fmt.Sprint(i), Kind: s.GetKind(), Codec: s.GetCodec(), Msid: "call " + s.GetMid(), Send: true, Layers: best,
			Source: &mediav1.Source{Feed: "feed", Mid: s.GetMid(), Node: at},
		})
	}
	offer, err := far.MakeOffer(ctx, &mediav1.MakeOfferRequest{Peer: c.subscriber, CommandId: "subscribe", SessionName: "call", Slots: c.slots})
	if err != nil {
		t.Fatal(err)
	}
	sdp := chrome.Eval[string](c.Tab, "subscribe("+quoted(offer.GetSdp())+")")
	if _, err := far.AcceptAnswer(ctx, &mediav1.AcceptAnswerRequest{Peer: c.subscriber, CommandId: "answer", Sdp: sdp}); err != nil {
		t.Fatal(err)
	}
	return c
}

// dialNode returns a node's API.
func dialNode(t *testing.T, n *cluster.Node) mediav1.MediaClient {
	t.Helper()
	conn, err := grpc.NewClient(n.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return mediav1.NewMediaClient(conn)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
