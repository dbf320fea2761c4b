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

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// dataPage has PeerConnections of data channels alone, for tests that talk to nodes directly: one says a number every few milliseconds,
// on an ordered reliable channel and on one that is neither, and another notes what it hears.
const dataPage = `<!doctype html><script>
const gathered = pc => new Promise(done => {
	const look = () => pc.iceGatheringState === 'complete' && done();
	pc.addEventListener('icegatheringstatechange', look);
	look();
});
const pcs = {}, heard = {}, channels = {};
const closed = [];
let said = 0;
async function publish() {
	const pc = pcs.publisher = new RTCPeerConnection();
	channels.sure = pc.createDataChannel('sure');
	channels.loose = pc.createDataChannel('loose', {ordered: false, maxRetransmits: 0});
	for (const c of Object.values(channels)) c.onclose = () => closed.push(c.label);
	await pc.setLocalDescription();
	await gathered(pc);
	return pc.localDescription.sdp;
}
async function subscribe(offer) {
	const pc = pcs.subscriber = new RTCPeerConnection();
	pc.createDataChannel('own').onclose = () => closed.push('own');
	pc.ondatachannel = ({channel}) => {
		const all = heard[channel.label] = [];
		channel.onmessage = e => all.push(+e.data.split(' ')[1]);
		channel.onclose = () => closed.push(channel.label);
	};
	await pc.setRemoteDescription({type: 'offer', sdp: offer});
	await pc.setLocalDescription();
	await gathered(pc);
	return pc.localDescription.sdp;
}
function talk() {
	return !!setInterval(() => {
		channels.sure.send('sure ' + said++);
		channels.loose.send('loose -1');
	}, 5);
}
async function candidates(who, all) {
	for (const candidate of all) await pcs[who].addIceCandidate({candidate: 'candidate:' + candidate, sdpMLineIndex: 0});
	return true;
}
function report() {
	const all = heard.feed ?? [], sure = all.filter(n => n >= 0);
	let lost = 0, doubled = 0, last = -1;
	for (const n of sure) {
		if (n <= last) doubled++; else { lost += n - last - 1; last = n; }
	}
	return {said, heard: sure.length, last, lost, doubled, loose: all.length - sure.length, closed, publisher: pcs.publisher.connectionState, subscriber: pcs.subscriber.connectionState};
}
</script>`

type dataReport struct {
	Said, Heard, Last, Lost, Doubled, Loose int
	Closed                                  []string
	Publisher, Subscriber                   string
}

// TestDataChannelsMoveBetweenNodes takes a publisher of messages and who hears them from node to node: their channels stay open, and
// messages go on.
func TestDataChannelsMoveBetweenNodes(t *testing.T) {
	t.Parallel()
	nodes := cluster.StartNodes(t, 3)
	var api []mediav1.MediaClient
	for _, n := range nodes {
		api = append(api, dialNode(t, n))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(dataPage))
	}))
	t.Cleanup(page.Close)
	tab := chrome.Start(t).Open(t, "data", page.URL)
	peers := map[string]*mediav1.PeerID{
		"publisher":  {SessionId: 1, HandleId: 1, Generation: 1},
		"subscriber": {SessionId: 1, HandleId: 2, Generation: 1},
	}
	answer, err := api[0].AcceptOffer(ctx, &mediav1.AcceptOfferRequest{
		Peer: peers["publisher"], CommandId: "offer", Feed: "feed", SessionName: "data", Sdp: chrome.Eval[string](tab, "publish()"),
		Rules: &mediav1.PublishRules{},
	})
	if err != nil {
		t.Fatal(err)
	}
	chrome.Eval[bool](tab, "pcs.publisher.setRemoteDescription({type: 'answer', sdp: "+quoted(answer.GetSdp())+"}).then(() => true)")
	offer, err := api[0].MakeOffer(ctx, &mediav1.MakeOfferRequest{Peer: peers["subscriber"], CommandId: "subscribe", SessionName: "data", Slots: []*mediav1.Slot{dataSlot("")}})
	if err != nil {
		t.Fatal(err)
	}
	sdp := chrome.Eval[string](tab, "subscribe("+quoted(offer.GetSdp())+")")
	if _, err := api[0].AcceptAnswer(ctx, &mediav1.AcceptAnswerRequest{Peer: peers["subscriber"], CommandId: "answer", Sdp: sdp}); err != nil {
		t.Fatal(err)
	}
	tab.WaitFor("open channels", `channels.sure.readyState === 'open' && channels.loose.readyState === 'open'`, 30*time.Second)
	chrome.Eval[bool](tab, "talk()")
	tab.WaitFor("messages", "report().heard > 100", 30*time.Second)

	for i, move := range []struct {
		who      string
		from, to int
		feedAt   string // as seen from there
	}{
		{"subscriber", 0, 1, nodes[0].GRPC},
		{"publisher", 0, 2, ""},
		{"subscriber", 1, 2, ""},
		{"publisher", 2, 1, ""},
	} {
		before := chrome.Eval[dataReport](tab, "report()")
		taken, err := api[move.to].TakePeer(ctx, &mediav1.TakePeerRequest{Peer: peers[move.who], From: nodes[move.from].GRPC})
		if err != nil {
			t.Fatalf("%s: %v", move.who, err)
		}
		if move.who == "subscriber" { // as roomstate does
			if _, err := api[move.to].UpdateSubscriber(ctx, &mediav1.UpdateSubscriberRequest{Peer: peers[move.who], Slots: []*mediav1.Slot{dataSlot(move.feedAt)}}); err != nil {
				t.Fatal(err)
			}
		}
		all, _ := json.Marshal(taken.GetCandidates())
		chrome.Eval[bool](tab, fmt.Sprintf("candidates(%q, %s)", move.who, all))
		tab.WaitFor("messages to go on", fmt.Sprintf("report().last > %d", before.Last+400), 30*time.Second)
		after := chrome.Eval[dataReport](tab, "report()")
		t.Logf("move %d, %s from %d to %d: lost %d, doubled %d of %d\nbefore %+v\nafter  %+v", i+1, move.who, move.from, move.to,
			after.Lost-before.Lost, after.Doubled-before.Doubled, after.Said-before.Said, before, after)
		if len(after.Closed) > 0 || after.Publisher != "connected" || after.Subscriber != "connected" || after.Loose <= before.Loose {
			t.Errorf("after move %d: %+v", i+1, after)
		}
	}
}

// dataSlot hears a feed that is on another node, unless at is empty.
func dataSlot(at string) *mediav1.Slot {
	return &mediav1.Slot{
		Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "feed", Label: "feed", Node: at}},
	}
}
