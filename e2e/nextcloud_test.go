//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/nextcloud"
)

// talkPage is as much of Nextcloud Talk's client as a call takes: it publishes, and asks for the streams of others. What
// it sends is called a screen since Debian 12's server refuses all offers of cameras, before any Janus server hears of
// them (a patch of Debian's looks for bytes where JSON has text).
const talkPage = `<!doctype html><video id=own autoplay playsinline muted></video><video id=other autoplay playsinline></video><script>
const query = new URLSearchParams(location.search), waiting = new Map(), pcs = {};
let socket, own, next = 0;
function request(message) {
	const id = String(++next);
	return new Promise((yes, no) => {
		waiting.set(id, answer => answer.type === 'error' ? no(new Error(JSON.stringify(answer.error))) : yes(answer));
		socket.send(JSON.stringify({id, ...message}));
	});
}
const tell = (sessionid, type, payload) => socket.send(JSON.stringify({type: 'message', message: {
	recipient: {type: 'session', sessionid}, data: {to: sessionid, from: own, sid: '1', roomType: 'screen', type, payload}}}));
function connection(peer) {
	const pc = pcs[peer] = new RTCPeerConnection();
	pc.onicecandidate = e => e.candidate && tell(peer, 'candidate', {candidate: e.candidate.toJSON()});
	return pc;
}
async function hear({data}) {
	const message = JSON.parse(data);
	if (waiting.has(message.id)) { waiting.get(message.id)(message); waiting.delete(message.id); return; }
	if (message.type === 'error') { window.failure = JSON.stringify(message.error); return; }
	if (message.type === 'event' && message.event.target === 'participants') window.inCall = true;
	if (message.type !== 'message') return;
	const from = message.message.sender.sessionid, {type, payload} = message.message.data;
	if (type === 'answer') await pcs[own].setRemoteDescription(payload);
	if (type === 'candidate') await pcs[from]?.addIceCandidate(payload.candidate).catch(() => {});
	if (type === 'offer') {
		const pc = connection(from);
		pc.ontrack = e => { other.srcObject = e.streams[0]; };
		await pc.setRemoteDescription(payload);
		await pc.setLocalDescription();
		tell(from, 'answer', {type: 'answer', sdp: pc.localDescription.sdp});
	}
}
async function join(room, user) {
	socket = new WebSocket(query.get('server'));
	await new Promise((yes, no) => { socket.onopen = yes; socket.onerror = no; });
	socket.onmessage = hear;
	const hello = await request({type: 'hello', hello: {version: '1.0', auth: {url: query.get('backend'), params: {userid: user}}}});
	own = hello.hello.sessionid;
	await request({type: 'room', room: {roomid: room, sessionid: 'nc-' + user}});
	return own;
}
async function publish() {
	const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 240}});
	document.querySelector('#own').srcObject = stream;
	const pc = connection(own);
	stream.getTracks().forEach(track => pc.addTrack(track, stream));
	await pc.setLocalDescription();
	tell(own, 'offer', {type: 'offer', sdp: pc.localDescription.sdp});
	return true;
}
const watch = peer => { tell(peer, 'requestoffer'); return true; };
</script>`

// TestNextcloudTalk has two users of a Nextcloud call each other by way of its signalling server, which makes a room of
// each one's streams.
func TestNextcloudTalk(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	talk := nextcloud.Start(t, s.URL)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(talkPage))
	}))
	t.Cleanup(page.Close)
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	var sessions []string
	for _, user := range []string{"ada", "bob"} {
		tab := browser.Open(t, user, page.URL+"/?server="+url.QueryEscape(talk.URL)+"&backend="+url.QueryEscape(talk.Backend))
		sessions = append(sessions, chrome.Eval[string](tab, `join('lounge', `+quoted(user)+`)`))
		tabs = append(tabs, tab)
	}
	talk.InCall(t, "lounge", "nc-ada", "nc-bob")
	for _, tab := range tabs {
		tab.WaitFor("the call", `window.inCall`, 20*time.Second)
		chrome.Eval[bool](tab, `publish()`)
		tab.WaitFor("media to be sent", `pcs[own].connectionState === 'connected'`, 40*time.Second)
	}
	for i, tab := range tabs {
		chrome.Eval[bool](tab, `watch(`+quoted(sessions[1-i])+`)`)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second)
		tab.WaitMoreFrames(2, 20*time.Second)
		tab.WaitFor("sound", `Promise.all(Object.values(pcs).map(pc => pc.getStats())).then(all => all.some(s => [...s.values()].some(r => r.type === 'inbound-rtp' && r.kind === 'audio' && r.packetsReceived > 50)))`, 20*time.Second)
		if failure := chrome.Eval[string](tab, `window.failure ?? ''`); failure != "" {
			t.Error(failure)
		}
		tab.Screenshot("call")
	}
}
