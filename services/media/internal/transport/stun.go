package transport

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// maxChecksPerSecond is how many good binding requests of one peer are answered. A browser sends about 20 while
	// it connects, with each of its candidates.
	maxChecksPerSecond = 200
	// maxFailuresPerSecond is how many of one source may be forged until it is not listened to for the rest of the
	// second.
	maxFailuresPerSecond = 50
	// maxFailingSources is how many are counted in a second. Who forges more addresses than that costs an HMAC for
	// each check, less than a packet of media.
	maxFailingSources = 4096
)

// failures counts forged checks by source, second by second: apart from peers, so that whoever has seen a ufrag
// cannot use up what its owner may send.
type failures struct {
	second time.Duration
	counts map[netip.Addr]int
}

func (f *failures) count(from netip.Addr, now time.Duration) {
	if now-f.second >= time.Second {
		f.second = now
		clear(f.counts)
	}
	if n, known := f.counts[from]; known || len(f.counts) < maxFailingSources {
		f.counts[from] = n + 1
	}
}

func (f *failures) tooMany(from netip.Addr, now time.Duration) bool {
	return now-f.second < time.Second && f.counts[from] >= maxFailuresPerSecond
}

// stunAgent is the lite side of ICE (RFC 8445): it answers checks. Its messages are reused.
type stunAgent struct {
	request  stun.Message
	response stun.Message
}

// receiveSTUN answers a connectivity check that arrived at a worker, and learns from it where an endpoint is.
func (w *Worker) receiveSTUN(from path, via *Worker, b []byte, now time.Duration) {
	m := &w.stun.request
	m.Raw = append(m.Raw[:0], b...)
	if m.Decode() != nil || m.Type.Method != stun.MethodBinding {
		w.drop(DropBadSTUN)
		return
	}
	if m.Type.Class != stun.ClassRequest {
		return // an indication keeps NATs open; responses answer nothing of ours
	}
	username, err := m.Get(stun.AttrUsername)
	if err != nil {
		w.drop(DropBadSTUN)
		return
	}
	ufrag, _, _ := bytes.Cut(username, []byte{':'})
	p := w.peers[string(ufrag)]
	if p == nil && via == w {
		if owner := w.group.known.find(ufrag); owner != nil && owner != w {
			w.handOver(owner, from, b, now)
			return
		}
	}
	if p != nil && w.quiet {
		w.drop(DropFenced)
		return
	}
	if p == nil || !p.owns(from) && w.forged.tooMany(from.addr.Addr(), now) {
		w.drop(DropBadSTUN)
		return
	}
	key := p.integrity(string(ufrag))
	if stun.Fingerprint.Check(m) != nil || key.Check(m) != nil {
		w.forged.count(from.addr.Addr(), now)
		w.drop(DropBadSTUN)
		return
	}
	if !p.allowCheck(now) {
		w.drop(DropBadSTUN)
		return
	}
	if authenticated(m, stun.AttrICEControlled) {
		// Only one side can be lite, and the full one controls (RFC 8445, section 6.1.1): it is told to change.
		w.respond(from, stun.BindingError, stun.CodeRoleConflict, key)
		return
	}
	if !p.mayUse(from, now) {
		w.drop(DropPathTaken) // unanswered, the endpoint checks again
		return
	}
	if !p.checked(from, via, string(ufrag), now) {
		return
	}
	nominated := authenticated(m, stun.AttrUseCandidate)
	w.respond(from, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.addr.Addr().AsSlice(), Port: int(from.addr.Port())}, key)
	p.settle(from, nominated, now)
}

// authenticated reports whether m has an attribute that MESSAGE-INTEGRITY covers: those behind it are to be ignored
// (RFC 8489, section 14.5).
func authenticated(m *stun.Message, want stun.AttrType) bool {
	for _, a := range m.Attributes {
		switch a.Type {
		case want:
			return true
		case stun.AttrMessageIntegrity:
			return false
		}
	}
	return false
}

// respond answers the request at hand.
func (w *Worker) respond(to path, class stun.MessageType, body stun.Setter, key stun.MessageIntegrity) {
	m := &w.stun.response
	m.Reset()
	m.TransactionID = w.stun.request.TransactionID
	if m.Build(stun.NewTransactionIDSetter(m.TransactionID), class, body, key, stun.Fingerprint) != nil {
		w.drop(DropBadSTUN)
		return
	}
	w.write(to, m.Raw)
}

// write sends a datagram at once, past the queue of media.
func (w *Worker) write(to path, b []byte) {
	if to.tcp != nil {
		if !to.tcp.send(b) {
			w.drop(DropTCPQueueFull)
		}
		return
	}
	w.socket.writeNow(to.addr, b)
}
