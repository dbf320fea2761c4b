// What the page's connections do is noted, and its session claimed when its socket ends, as an application does that uses
// janus.js's reconnect. The page itself stays as it is.
(() => {
	const watch = window.watch = {pcs: [], sdps: 0, hangups: 0, jseps: 0, flows: {}, claims: 0, claim: 0, lost: ''}
	const PC = window.RTCPeerConnection
	window.RTCPeerConnection = function (...args) {
		const pc = new PC(...args)
		watch.pcs.push(pc)
		for (const name of ['setLocalDescription', 'setRemoteDescription']) {
			const call = pc[name].bind(pc)
			pc[name] = (...args) => { watch.sdps++; return call(...args) }
		}
		return pc
	}
	window.RTCPeerConnection.prototype = PC.prototype
	Object.setPrototypeOf(window.RTCPeerConnection, PC)
	const listen = EventTarget.prototype.addEventListener
	WebSocket.prototype.addEventListener = function (type, f, ...args) { // the page has kept the constructor
		if (type === 'message') {
			listen.call(this, type, event => {
				const message = JSON.parse(event.data)
				watch.hangups += message.janus === 'hangup'
				watch.jseps += 'jsep' in message
				if (message.janus === 'timeout') watch.lost = 'timeout'
			})
		}
		return listen.call(this, type, f, ...args)
	}
	watch.reset = () => {
		for (const flow of Object.values(watch.flows)) flow.gap = flow.frozen = 0
		watch.sdps = watch.hangups = watch.jseps = watch.claims = watch.claim = 0
		return true
	}
	const longestLook = 50 // ms between two looks of a page that is not late, with some to spare
	// When the last frame came to each track is asked of the receivers, which costs little; statistics are 50 ms old at times.
	const look = () => {
		const now = performance.now()
		for (const [i, pc] of watch.pcs.entries()) {
			if (pc.connectionState === 'closed') continue
			for (const [j, {kind, receiver}] of pc.getTransceivers().map(t => ({kind: t.receiver.track.kind, receiver: t.receiver})).entries()) {
				const last = Math.max(0, ...receiver.getSynchronizationSources().map(s => s.timestamp))
				if (!last) continue
				const flow = watch.flows[i + '/' + j] ??= {kind, last, now, stood: 0, gap: 0}
				const since = now - flow.now
				if (last > flow.last) {
					// When in this time something came is not known: a page that was late to look is not a stream that stood.
					flow.gap = Math.max(flow.gap, flow.stood + Math.min(since, longestLook))
					flow.last = last
					flow.stood = 0
				} else {
					flow.stood += since
				}
				flow.now = now
			}
		}
		setTimeout(look, 15)
	}
	look()
	const stay = () => {
		if (typeof janus === 'undefined' || !janus || !janus.getSessionId() || janus.isConnected() || watch.lost) return setTimeout(stay, 100)
		const began = performance.now()
		let over = false
		const again = () => { if (!over) { over = true; setTimeout(stay, 100) } }
		setTimeout(again, 20000)
		janus.reconnect({
			success: () => { watch.claims++; watch.claim = Math.max(watch.claim, performance.now() - began); again() },
			error: reason => { if (/No such session/.test(reason)) watch.lost = reason; again() },
		})
	}
	stay()
	watch.read = () => {
		const of = kind => {
			const all = Object.values(watch.flows).filter(f => f.kind === kind)
			return {N: all.length, Gap: Math.max(0, ...all.map(f => Math.max(f.gap, f.stood))), Open: Math.max(0, ...all.map(f => f.stood))}
		}
		return {SDPs: watch.sdps, Hangups: watch.hangups, JSEPs: watch.jseps, Claims: watch.claims, Claim: watch.claim, Lost: watch.lost, Video: of('video'), Audio: of('audio')}
	}
	return true
})()
