package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
)

// Times that an endpoint has.
const (
	connectTimeout   = 20 * time.Second // from our answer, or its, to the first good check
	consentTimeout   = 30 * time.Second // between checks (RFC 7675, section 5.1)
	handshakeTimeout = 20 * time.Second // of DTLS
)

const (
	maxPathsPerPeer = 16  // addresses from which one peer's checks are remembered
	maxSSRCsPerPeer = 256 // streams of one peer that have keys' state
)

// Reasons with which a peer closes by itself, in Janus's words.
const (
	reasonICEFailed   = "ICE failed"
	reasonDTLSAlert   = "DTLS alert"
	reasonDTLSTimeout = "DTLS timeout"
)

// Handler hears of one peer, on the worker's goroutine. What it is given is only lent.
type Handler interface {
	Up(now time.Duration)                  // DTLS is done, media may be sent
	Closed(reason string)                  // once, and last; not after Peer.Close
	RTP(packet []byte, now time.Duration)  // decrypted
	RTCP(packet []byte, now time.Duration) // decrypted
	Data(m Message, now time.Duration)
}

// Remote is what the endpoint's SDP says of its transport.
type Remote struct {
	Fingerprint string // as in a=fingerprint
	Client      bool   // we are the DTLS client: its a=setup is passive
}

// Peer is one PeerConnection as the network sees it. All is the worker's but for what dtls guards.
type Peer struct {
	w       *Worker
	log     *slog.Logger
	handler Handler

	local    Credentials
	previous Credentials // still good, until the first check after an ICE restart
	keys     map[string]stun.MessageIntegrity

	paths    []path // proved, oldest first; all are in w.paths
	selected path   // where to send
	deadline time.Duration
	heard    time.Duration // last good check; 0 for none
	second   time.Duration // that checks counts
	checks   int

	dtls     *session
	stop     context.CancelFunc // ends dtls
	inbound  *srtp.Context      // nil until the handshake is done
	outbound *srtp.Context
	ssrcs    int
	header   rtp.Header // scratch, kept for its slices
	closed   bool
}

// NewPeer makes a peer that answers checks. Start begins all else.
func (w *Worker) NewPeer(h Handler, log *slog.Logger) *Peer {
	p := &Peer{w: w, log: log, handler: h, keys: map[string]stun.MessageIntegrity{}}
	p.dtls = newSession(p)
	p.setCredentials(newCredentials())
	w.live[p] = struct{}{}
	return p
}

// Credentials are ours.
func (p *Peer) Credentials() Credentials { return p.local }

// Start begins to expect the endpoint. It is for the first answer only; later SDP changes nothing here but by RestartICE.
func (p *Peer) Start(remote Remote, now time.Duration) {
	if p.closed || p.stop != nil {
		return
	}
	p.deadline = now + connectTimeout
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.w.tasks.Go(func() { p.dtls.run(ctx, remote) })
}

// Started reports whether Start has been called.
func (p *Peer) Started() bool { return p.stop != nil }

// RestartICE makes new credentials (RFC 8445, section 9). The old ones are good until the endpoint uses the new.
func (p *Peer) RestartICE() Credentials {
	if p.previous != (Credentials{}) {
		p.forget(p.previous)
	}
	p.previous = p.local
	p.setCredentials(newCredentials())
	return p.local
}

// AllowData lets the endpoint's SCTP in: an m= section for it was agreed.
func (p *Peer) AllowData() { p.dtls.channels.allowed.Store(true) }

func (p *Peer) setCredentials(c Credentials) {
	p.local = c
	p.keys[c.Ufrag] = stun.NewShortTermIntegrity(c.Pwd)
	p.w.peers[c.Ufrag] = p
}

func (p *Peer) forget(c Credentials) {
	delete(p.keys, c.Ufrag)
	delete(p.w.peers, c.Ufrag)
}

func (p *Peer) integrity(ufrag string) stun.MessageIntegrity { return p.keys[ufrag] }

func (p *Peer) allowCheck(now time.Duration) bool {
	if now-p.second >= time.Second {
		p.second, p.checks = now, 0
	}
	p.checks++
	return p.checks <= maxChecksPerSecond
}

// checked takes note of a good connectivity check.
func (p *Peer) checked(from path, ufrag string, nominated bool, now time.Duration) {
	p.heard = now
	if ufrag == p.local.Ufrag && p.previous != (Credentials{}) {
		p.forget(p.previous)
		p.previous = Credentials{}
	}
	p.remember(from)
	if nominated || !p.selected.valid() {
		p.choose(from)
	}
}

// remember makes from a path of this peer, whoever's it was: the newest proof counts.
func (p *Peer) remember(from path) {
	if owner := p.w.paths[from]; owner == p {
		return
	} else if owner != nil {
		owner.lose(from)
	}
	if len(p.paths) == maxPathsPerPeer {
		for _, old := range p.paths {
			if old != p.selected {
				p.lose(old)
				break
			}
		}
	}
	p.paths = append(p.paths, from)
	p.w.paths[from] = p
}

// choose makes to the path on which all is sent.
func (p *Peer) choose(to path) {
	if p.selected == to {
		return
	}
	p.selected = to
	p.dtls.redirect(to)
}

// lose takes a path away, as when its connection ends.
func (p *Peer) lose(old path) {
	delete(p.w.paths, old)
	for i, known := range p.paths {
		if known == old {
			p.paths = append(p.paths[:i], p.paths[i+1:]...)
			break
		}
	}
	if p.selected != old {
		return
	}
	p.selected = path{}
	if len(p.paths) > 0 {
		p.choose(p.paths[len(p.paths)-1])
	}
}

func (p *Peer) tick(now time.Duration) {
	switch {
	case p.deadline == 0: // not started
	case p.heard == 0 && now >= p.deadline, p.heard != 0 && now-p.heard >= consentTimeout:
		p.end(reasonICEFailed)
	}
}

// secured takes the keys that DTLS agreed on.
func (p *Peer) secured(k keys, now time.Duration) {
	if p.closed {
		return
	}
	if err := p.useKeys(k); err != nil {
		p.log.Warn("SRTP keys", "err", err)
		p.end(reasonDTLSAlert)
		return
	}
	p.handler.Up(now)
}

// replayWindow is how many packets back a late one is still known not to be a repeat (RFC 3711, section 3.3.2).
const replayWindow = 1024

func (p *Peer) useKeys(k keys) (err error) {
	p.inbound, err = srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("inbound: %w", err)
	}
	if p.outbound, err = srtp.CreateContext(k.localKey, k.localSalt, k.profile); err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	return nil
}

// receiveRTP decrypts in place.
func (p *Peer) receiveRTP(b []byte, now time.Duration) {
	if p.inbound == nil || p.closed {
		p.w.drop(DropNotReady)
		return
	}
	if len(b) < 12 {
		p.w.drop(DropNotAuthentic)
		return
	}
	ssrc := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11])
	_, known := p.inbound.ROC(ssrc)
	if !known && p.ssrcs == maxSSRCsPerPeer {
		p.w.drop(DropTooManySSRCs)
		return
	}
	plain, err := p.inbound.DecryptRTP(b, b, &p.header)
	if err != nil {
		p.w.drop(refusal(err))
		return
	}
	if !known {
		p.ssrcs++
	}
	p.handler.RTP(plain, now)
}

func (p *Peer) receiveRTCP(b []byte, now time.Duration) {
	if p.inbound == nil || p.closed {
		p.w.drop(DropNotReady)
		return
	}
	plain, err := p.inbound.DecryptRTCP(nil, b, nil)
	if err != nil {
		p.w.drop(refusal(err))
		return
	}
	p.handler.RTCP(plain, now)
}

// refusal tells repeats from forgeries.
func refusal(err error) Drop {
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) {
		return DropNotAuthentic
	}
	return DropReplayed
}

// Buffer returns an empty slice with room for a packet to send, valid until the next call on any peer of the worker.
func (p *Peer) Buffer() []byte { return p.w.socket.room()[:0] }

// SendRTP encrypts packet in place and queues it until the end of the burst. packet is in what Buffer returned.
func (p *Peer) SendRTP(packet []byte) {
	if !p.sendable() {
		return
	}
	b, err := p.outbound.EncryptRTP(packet, packet, &p.header)
	if err != nil {
		p.w.drop(DropSendFailed)
		return
	}
	p.queue(b)
}

// SendRTCP encrypts a compound packet and sends it at once. It leaves Buffer alone.
func (p *Peer) SendRTCP(packet []byte) {
	if !p.sendable() {
		return
	}
	b, err := p.outbound.EncryptRTCP(p.w.rtcp[:0], packet, nil)
	if err != nil {
		p.w.drop(DropSendFailed)
		return
	}
	p.w.rtcp = b
	p.w.write(p.selected, b)
}

func (p *Peer) sendable() bool {
	if p.outbound != nil && p.selected.valid() && !p.closed {
		return true
	}
	p.w.drop(DropNotReady)
	return false
}

// queue takes a datagram that lies at the start of the socket's room.
func (p *Peer) queue(b []byte) {
	if p.selected.tcp != nil {
		p.w.write(p.selected, b)
		return
	}
	p.w.socket.commit(p.selected.addr, len(b))
}

// Close ends the peer; the endpoint is told. It is the last call.
func (p *Peer) Close() {
	if p.closed {
		return
	}
	p.closed = true
	for ufrag := range p.keys {
		delete(p.w.peers, ufrag)
	}
	for _, known := range p.paths {
		delete(p.w.paths, known)
	}
	delete(p.w.live, p)
	p.dtls.close()
	if p.stop != nil {
		p.stop()
	}
}

// end closes the peer for a reason of its own.
func (p *Peer) end(reason string) {
	if p.closed {
		return
	}
	p.Close()
	p.handler.Closed(reason)
}
