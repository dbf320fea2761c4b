//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// janusPage is a small client of the Janus API, with what tests ask of plugins that carry data channels. It counts what servers say,
// and follows their candidates, as janus.js does.
const janusPage = `<!doctype html><script>
const gathered = pc => new Promise(done => {
	const look = () => pc.iceGatheringState === 'complete' && done();
	pc.addEventListener('icegatheringstatechange', look);
	look();
});
const seen = {}, closed = [], heard = {}, said = {}, pcs = {}, channels = {}, events = [];
class Session {
	constructor(url) {
		this.waiting = new Map();
		this.pcs = new Map();
		this.ws = new WebSocket(url, 'janus-protocol');
		this.ws.onmessage = e => this.take(JSON.parse(e.data));
	}
	async begin() {
		await new Promise(open => { this.ws.onopen = open; });
		this.id = (await this.ask({janus: 'create'})).data.id;
		setInterval(() => this.ask({janus: 'keepalive'}), 10000);
		return this;
	}
	take(m) {
		const done = this.waiting.get(m.transaction);
		if (m.janus === 'ack' && !done?.keepalive) return;
		if (done) {
			this.waiting.delete(m.transaction);
			return done.resolve(m);
		}
		seen[m.janus] = (seen[m.janus] ?? 0) + 1;
		if (m.jsep) seen.jsep = (seen.jsep ?? 0) + 1;
		if (m.janus === 'trickle' && m.candidate.candidate) this.pcs.get(m.sender).addIceCandidate(m.candidate);
		if (m.janus === 'event') { events.push(m.plugindata.data); this.told?.(m); }
	}
	ask(m) {
		const transaction = Math.random().toString(36).slice(2);
		return new Promise(resolve => {
			this.waiting.set(transaction, {resolve, keepalive: m.janus === 'keepalive'});
			this.ws.send(JSON.stringify({...m, transaction, ...(this.id && {session_id: this.id})}));
		});
	}
	async attach(plugin) { return (await this.ask({janus: 'attach', plugin})).data.id; }
	async message(handle_id, body, pc) {
		const answer = await this.ask({janus: 'message', handle_id, body, ...(pc && {jsep: pc.localDescription})});
		if (!answer.plugindata || answer.plugindata.data.error) throw new Error(JSON.stringify(answer));
		return answer;
	}
	async connection(handle, name) {
		const pc = pcs[name] = new RTCPeerConnection();
		this.pcs.set(handle, pc);
		pc.ondatachannel = ({channel}) => listen(name, channel);
		return pc;
	}
}
function listen(name, channel) {
	const all = heard[name] ??= [];
	channel.addEventListener('message', e => all.push(e.data));
	channel.addEventListener('close', () => closed.push(name + ' ' + channel.label));
	return channel;
}
const opened = channel => channel.readyState === 'open' || new Promise(open => { channel.onopen = open; });
async function offer(pc) { await pc.setLocalDescription(); await gathered(pc); }
async function answer(pc, jsep) { await pc.setRemoteDescription(jsep); await offer(pc); }
// publish has somebody publish a data channel, with sound if that is wanted.
async function publish(url, name, sound, more) {
	const s = await new Session(url).begin(), handle = await s.attach('janus.plugin.videoroom');
	const joined = await s.message(handle, {request: 'join', ptype: 'publisher', room, display: name});
	const pc = await s.connection(handle, name);
	if (sound) for (const track of (await navigator.mediaDevices.getUserMedia({audio: true})).getTracks()) pc.addTrack(track);
	channels[name] = listen(name, pc.createDataChannel('chat'));
	await offer(pc);
	await pc.setRemoteDescription((await s.message(handle, {request: 'publish', ...more}, pc)).jsep);
	await opened(channels[name]);
	return joined.plugindata.data.id;
}
async function subscribe(url, name, feed) {
	const s = await new Session(url).begin(), handle = await s.attach('janus.plugin.videoroom');
	const offered = await s.message(handle, {request: 'join', ptype: 'subscriber', room: 1234, streams: [{feed}]});
	const pc = await s.connection(handle, name);
	await answer(pc, offered.jsep);
	await s.message(handle, {request: 'start'}, pc);
	return true;
}
let room = 1234;
// create makes a room without a secret, for publishers.
async function create(url) {
	const s = await new Session(url).begin();
	room = 77;
	await s.message(await s.attach('janus.plugin.videoroom'), {request: 'create', room});
	return true;
}
// forward has what somebody publishes in one m= section sent to a port.
async function forward(url, publisher_id, mid, port) {
	const s = await new Session(url).begin(), handle = await s.attach('janus.plugin.videoroom');
	const answer = await s.message(handle, {request: 'rtp_forward', room, publisher_id, host: '127.0.0.1', streams: [{mid, port}]});
	return answer.plugindata.data.forwarders?.[0]?.stream_id ?? -1;
}
async function echo(url, name) {
	const s = await new Session(url).begin(), handle = await s.attach('janus.plugin.echotest');
	const pc = await s.connection(handle, name);
	for (const track of (await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 180}})).getTracks()) pc.addTrack(track);
	channels[name] = listen(name, pc.createDataChannel('chat'));
	await offer(pc);
	await pc.setRemoteDescription((await s.message(handle, {audio: true, video: true}, pc)).jsep);
	await opened(channels[name]);
	return true;
}
async function chat(url, name) {
	const s = await new Session(url).begin(), handle = await s.attach('janus.plugin.textroom');
	const offered = await s.message(handle, {request: 'setup'});
	const pc = await s.connection(handle, name);
	channels[name] = listen(name, pc.createDataChannel('JanusDataChannel'));
	await answer(pc, offered.jsep);
	await s.message(handle, {request: 'ack'}, pc);
	await opened(channels[name]);
	channels[name].send(JSON.stringify({textroom: 'join', room: 1234, username: name, transaction: 'join'}));
	return true;
}
async function register(url, name) {
	const s = await new Session(url).begin(), handle = await s.attach('janus.plugin.videocall');
	await s.message(handle, {request: 'register', username: name});
	const pc = await s.connection(handle, name);
	s.told = async m => {
		const what = m.plugindata.data.result?.event;
		if (what === 'incomingcall') {
			await answer(pc, m.jsep);
			await s.message(handle, {request: 'accept'}, pc);
		}
		if (what === 'accepted') await pc.setRemoteDescription(m.jsep);
	};
	return {s, handle, pc};
}
async function call(url) {
	const one = await register(url, 'one'), two = await register(url, 'two');
	two.pc.addEventListener('datachannel', e => { channels.two = e.channel; });
	for (const track of (await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 180}})).getTracks()) one.pc.addTrack(track), two.pc.addTrack(track);
	channels.one = listen('one', one.pc.createDataChannel('chat'));
	await offer(one.pc);
	await one.s.message(one.handle, {request: 'call', username: 'two'}, one.pc);
	await opened(channels.one);
	return true;
}
// say has somebody say numbers from now on.
function say(name, wrap) {
	said[name] = 0;
	return !!setInterval(() => { if (channels[name]?.readyState === 'open') channels[name].send(wrap ? wrap(said[name]++) : String(said[name]++)); }, 20);
}
// report tells what was heard of numbers: how many, the last, and what is missing or came twice.
function report(name, unwrap) {
	let last = -1, lost = 0, doubled = 0, n = 0;
	for (const text of heard[name] ?? []) {
		const number = Number(unwrap ? unwrap(text) : text);
		if (!Number.isInteger(number)) continue;
		n++;
		if (number <= last) doubled++; else { if (last >= 0) lost += number - last - 1; last = number; }
	}
	return {n, last, lost, doubled};
}
function state() {
	return {hangups: seen.hangup ?? 0, jseps: seen.jsep ?? 0, closed, states: Object.values(pcs).map(pc => pc.connectionState)};
}
const frames = async name => {
	let sum = 0;
	for (const s of (await pcs[name].getStats()).values()) if (s.type === 'inbound-rtp' && s.kind === 'video') sum += s.framesDecoded ?? 0;
	return sum;
};
</script>`

func servePage(t *testing.T, page string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

type heardNumbers struct{ N, Last, Lost, Doubled int }

type pageState struct {
	Hangups, JSEPs int
	Closed, States []string
}

// goesOn waits until those named, by JavaScript that reports of each, have heard more, and sees that nothing has ended.
func goesOn(t *testing.T, tab *chrome.Tab, what string, reports map[string]string) {
	t.Helper()
	for who, js := range reports {
		before := chrome.Eval[heardNumbers](tab, js)
		tab.WaitFor(what+": "+who+" hears more", fmt.Sprintf("Promise.resolve(%s).then(r => r.last > %d)", js, before.Last+50), 40*time.Second)
		t.Logf("%s: %s heard %+v", what, who, chrome.Eval[heardNumbers](tab, js))
	}
	s := chrome.Eval[pageState](tab, "state()")
	if s.Hangups+s.JSEPs+len(s.Closed) > 0 {
		t.Errorf("%s: %+v", what, s)
	}
	for _, state := range s.States {
		if state != "connected" {
			t.Errorf("%s: %+v", what, s)
		}
	}
}

// moveAll has an administrator move all peers to a node.
func moveAll(t *testing.T, a *cluster.Apart, node string, peers int64) {
	t.Helper()
	for _, session := range administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any) {
		at := fmt.Sprint(a.Admins[0], "/", session)
		for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) {
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
				answer := administer(t, fmt.Sprint(at, "/", handle), "move_handle", fmt.Sprintf(`,"node":%q`, node))
				if answer["janus"] == "success" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("not moved: %v", answer)
				}
			}
		}
	}
	awaitPeersOn(t, a.Admins[0], node, peers)
}

// survives moves all peers of a page from the first of three nodes, kills the one they are on then, and drains the next: what goes on
// is in reports.
func survives(t *testing.T, a *cluster.Apart, tab *chrome.Tab, peers int, reports map[string]string) {
	t.Helper()
	awaitPeersOn(t, a.Admins[0], "media-0", int64(peers))
	chrome.Eval[bool](tab, "Object.keys(seen).forEach(k => delete seen[k]) ?? true")
	goesOn(t, tab, "before", reports)
	moveAll(t, a, "media-1", int64(peers))
	if answer := administer(t, a.Admins[1], "drain_node", `,"node":"media-0"`); answer["janus"] != "success" { // endpoints are slow to go back
		t.Fatalf("not drained: %v", answer)
	}
	goesOn(t, tab, "moved", reports)
	a.WaitKept(t, peers)
	a.Nodes[1].Kill()
	awaitPeersOn(t, a.Admins[0], "media-2", int64(peers))
	goesOn(t, tab, "node killed", reports)
	a.AddNode(t)
	awaitNodes(t, a, 3)
	a.Nodes[2].Signal(syscall.SIGTERM)
	a.Nodes[2].WaitEnd(t, 60*time.Second)
	awaitPeersOn(t, a.Admins[0], "media-3", int64(peers))
	goesOn(t, tab, "drained", reports)
}

// TestDataChannelsOutliveTheirNode has two publish data channels, and hear each other, while all their peers move, and while nodes die
// and are drained.
func TestDataChannelsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	a.AddNode(t)
	awaitNodes(t, a, 3)
	tab := chrome.Start(t).Open(t, "data", servePage(t, janusPage))
	url := a.URLs[0]
	one := chrome.Eval[int64](tab, fmt.Sprintf("publish(%q, 'one', true)", url))
	two := chrome.Eval[int64](tab, fmt.Sprintf("publish(%q, 'two', false)", url))
	chrome.Eval[bool](tab, fmt.Sprintf("subscribe(%q, 'ear of one', %d)", url, two))
	chrome.Eval[bool](tab, fmt.Sprintf("subscribe(%q, 'ear of two', %d)", url, one))
	chrome.Eval[bool](tab, "say('one') && say('two')")
	reports := map[string]string{"one": "report('ear of one')", "two": "report('ear of two')"}
	survives(t, a, tab, 4, reports)
}

// TestPeersOfAllPluginsOutliveTheirNode has an echo, a chat of two and a call move, lose their node and be drained from another.
func TestPeersOfAllPluginsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	const peers = 5
	a := cluster.StartApart(t)
	a.AddNode(t)
	awaitNodes(t, a, 3)
	tab := chrome.Start(t).Open(t, "plugins", servePage(t, janusPage))
	for _, js := range []string{"echo(%q, 'echo')", "chat(%q, 'ann')", "chat(%q, 'ben')", "call(%q)"} {
		chrome.Eval[bool](tab, fmt.Sprintf(js, a.URLs[0]))
	}
	chrome.Eval[bool](tab, `say('echo') && say('one') && say('ann', n => JSON.stringify({textroom: 'message', room: 1234, transaction: 'a', text: String(n)}))`)
	frames := func(who string) string {
		return fmt.Sprintf("frames(%q).then(n => ({n, last: n, lost: 0, doubled: 0}))", who)
	}
	survives(t, a, tab, peers, map[string]string{
		"echo's words":     "report('echo', s => s.replace('Janus EchoTest here! You wrote: ', ''))",
		"echo's pictures":  frames("echo"),
		"the chat":         "report('ben', s => { const m = JSON.parse(s); return m.textroom === 'message' ? m.text : NaN; })",
		"the call's words": "report('two')",
		"one's pictures":   frames("one"),
		"two's pictures":   frames("two"),
	})
}

// TestARecordedAndForwardedPublisherOutlivesItsNode has a publisher move, and lose its node: it goes on being forwarded under the same
// number, and each node writes files of its own.
func TestARecordedAndForwardedPublisherOutlivesItsNode(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CARDEA_RECORD_DIR", dir)
	t.Setenv("CARDEA_FORWARD_TO", "127.0.0.0/8")
	a := cluster.StartApart(t)
	a.AddNode(t)
	awaitNodes(t, a, 3)
	tab := chrome.Start(t).Open(t, "recorded", servePage(t, janusPage))
	chrome.Eval[bool](tab, fmt.Sprintf("create(%q)", a.URLs[0]))
	one := chrome.Eval[int64](tab, fmt.Sprintf("publish(%q, 'one', true, {record: true, filename: 'take'})", a.URLs[0]))
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream := chrome.Eval[int64](tab, fmt.Sprintf("forward(%q, %d, '0', %d)", a.URLs[0], one, conn.LocalAddr().(*net.UDPAddr).Port))
	goesOn := func(what, file string) {
		t.Helper()
		b := make([]byte, 1500)
		for len(b) > 0 { // what was sent before
			if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(b); err != nil {
				break
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if _, err := conn.Read(b); err != nil {
				t.Fatalf("%s: not forwarded: %v", what, err)
			}
		}
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			if info, err := os.Stat(filepath.Join(dir, file)); err == nil && info.Size() > 2000 {
				break
			}
			if time.Now().After(deadline) {
				files, _ := filepath.Glob(filepath.Join(dir, "*"))
				t.Fatalf("%s: no %s, but %q", what, file, files)
			}
		}
	}
	awaitPeersOn(t, a.Admins[0], "media-0", 1)
	goesOn("before", "take-audio-0.mjr")
	for _, session := range administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any) {
		at := fmt.Sprint(a.Admins[0], "/", session)
		for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) { // that which asked for the forwarder has no peer
			administer(t, fmt.Sprint(at, "/", handle), "move_handle", `,"node":"media-1"`)
		}
	}
	awaitPeersOn(t, a.Admins[0], "media-1", 1)
	goesOn("moved", "take-moved-1-audio-0.mjr")
	before, err := os.Stat(filepath.Join(dir, "take-audio-0.mjr"))
	if err != nil {
		t.Fatal(err)
	}
	a.WaitKept(t, 1)
	a.Nodes[1].Kill()
	awaitPeersOn(t, a.Admins[0], "media-2", 1)
	goesOn("node killed", "take-moved-2-audio-0.mjr")
	if after, err := os.Stat(filepath.Join(dir, "take-audio-0.mjr")); err != nil || after.Size() != before.Size() {
		t.Errorf("the first file has changed since: %v", err)
	}
	if s := chrome.Eval[pageState](tab, "state()"); s.Hangups > 0 {
		t.Errorf("%+v", s)
	}
	if n := chrome.Eval[int64](tab, fmt.Sprintf("forward(%q, %d, '0', 9)", a.URLs[0], one)); n == stream || stream <= 0 {
		t.Errorf("forwarder %d after %d", n, stream)
	}
}
