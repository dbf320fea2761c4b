// One endpoint of a call through the official janus.js: publish(url) sends a camera in three layers, view(url) watches it.
// Both resolve when media flows; measure(ms) then notes what getStats says, into samples.
const room = 4321;
const samples = [];
let connection; // the PeerConnection in use

function attach(url) {
	return new Promise((resolve, reject) => Janus.init({ debug: ['warn', 'error'], callback: () => {
		const janus = new Janus({ server: url, iceServers: [], error: reject, success: () => janus.attach({
			plugin: 'janus.plugin.videoroom',
			error: reject,
			success: handle => resolve(handle),
			onmessage: (message, jsep) => onmessage(message, jsep),
			onremotetrack: (track, mid, on) => { if (on) show(track); },
			webrtcState: on => { if (on) up(); },
		}) });
	} }));
}

let onmessage = () => {};
let up = () => {};
const isUp = () => new Promise(resolve => { up = resolve; });
const request = (handle, message, jsep) => new Promise((resolve, reject) => handle.send({ message, jsep, success: resolve, error: reject }));

function show(track) {
	document.getElementById(track.kind).srcObject = new MediaStream([track]);
}

async function publish(url) {
	const handle = await attach(url);
	await request(handle, { request: 'create', room, publishers: 6, bitrate: 0, videocodec: 'vp8', audiocodec: 'opus' });
	const ready = isUp();
	onmessage = (message, jsep) => {
		if (jsep) handle.handleRemoteJsep({ jsep });
		if (message.videoroom !== 'joined') return;
		handle.createOffer({
			tracks: [
				{ type: 'audio', capture: true, recv: false },
				{ type: 'video', capture: { width: { exact: 1280 }, height: { exact: 720 }, frameRate: { ideal: 30 } }, recv: false, simulcast: true },
			],
			success: offer => handle.send({ message: { request: 'configure', audio: true, video: true }, jsep: offer }),
		});
	};
	handle.send({ message: { request: 'join', room, ptype: 'publisher', display: 'camera' } });
	await ready;
	connection = handle.webrtcStuff.pc;
}

async function view(url) {
	const handle = await attach(url);
	const feed = await publisher(handle);
	const ready = isUp();
	onmessage = (message, jsep) => {
		if (jsep) handle.createAnswer({ jsep, tracks: [], success: answer => handle.send({ message: { request: 'start' }, jsep: answer }) });
	};
	handle.send({ message: { request: 'join', room, ptype: 'subscriber', streams: [{ feed }] } });
	await ready;
	connection = handle.webrtcStuff.pc;
}

async function publisher(handle) {
	for (;;) {
		const { participants } = await request(handle, { request: 'listparticipants', room });
		const found = participants?.find(p => p.publisher);
		if (found) return found.id;
		await new Promise(resolve => setTimeout(resolve, 200));
	}
}

// measure takes a sample each 100 ms, from now on.
function measure() {
	setInterval(async () => {
		const at = performance.timeOrigin + performance.now();
		const sample = { at };
		for (const s of (await connection.getStats()).values()) {
			if (s.type === 'inbound-rtp' && s.kind === 'video') {
				Object.assign(sample, {
					frames: s.framesDecoded, height: s.frameHeight ?? 0, freezes: s.freezeCount, freezeSeconds: s.totalFreezesDuration,
					bytes: s.bytesReceived, lost: s.packetsLost, packets: s.packetsReceived, nacks: s.nackCount, plis: s.pliCount,
				});
			} else if (s.type === 'inbound-rtp' && s.kind === 'audio') {
				Object.assign(sample, { concealed: s.concealedSamples - s.silentConcealedSamples, heard: s.totalSamplesReceived });
			}
		}
		samples.push(sample);
	}, 100);
}

// layers tells what a publisher has sent of each layer.
async function layers() {
	const all = [];
	for (const s of (await connection.getStats()).values())
		if (s.type === 'outbound-rtp' && s.kind === 'video')
			all.push({ rid: s.rid ?? '', height: s.frameHeight ?? 0, frames: s.framesSent, bytes: s.bytesSent, limited: s.qualityLimitationReason ?? '' });
	return all;
}
