package transport

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
)

// Times that an endpoint has.
const (
	connectTimeout   = 20 * time.Second // from our answer, or its, to the first good check
	consentTimeout   = 30 * time.Second // between checks (RFC 7675, section 5.1)
	handshakeTimeout = 20 * time.Second // of DTLS
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
	// Overrun says that some of what was sent in the burst that has just ended was dropped, since the network or the
	// endpoint does not keep up.
	Overrun(now time.Duration)
	// Bounded says that something of that burst was beyond its bound (BoundRTP): nothing more is to be numbered until that is
	// further on, or an endpoint would not know by how much the roll-over counter has grown meanwhile.
	Bounded(now time.Duration)
}

// watcher is a Handler that is told, each time, where media goes from now on.
type watcher interface {
	Selected(endpoint netip.AddrPort, tcp bool)
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
	cert    *certificate

	local     Credentials
	restarted bool        // the new credentials have come, and their path was not told
	previous  Credentials // last used, and still good, until the first check after an ICE restart
	keys      map[string]stun.MessageIntegrity

	paths    []path        // proved, oldest first; all are in w.paths
	selected path          // where to send
	alive    *Timer        // looks whether the endpoint is still there
	heard    time.Duration // last good check; 0 for none
	second   time.Duration // that checks counts
	checks   int

	dtls     *session
	stop     context.CancelFunc // ends dtls
	inbound  *srtp.Context      // nil until the handshake is done, as the next three
	opener   opener
	outbound *srtp.Context
	sealer   sealer
	ssrcs    int
	overran  bool // in this burst; the peer is in w.overran
	beyond   bool // some of that was beyond its bound
	closed   bool

	keyed   keys              // in use
	client  bool              // we are the DTLS client
	moves   int               // from node to node
	held    bool              // adopted, and the other node still sends
	arrived func()            // see Adopt; nil when it has been called
	came    path              // where the last packet is from, until arrived has been called
	arrival *Timer            // when it is at the latest; set by the endpoint's nomination
	bounds  map[uint32]uint64 // by SSRC: the first SRTCP index that is not to be used; none of those left out
	guesses map[uint32]uint32 // roll-over counters by SSRC, as another node knew them, until a packet proves them
}

// NewPeer makes a peer that answers checks. Start begins all else.
func (w *Worker) NewPeer(h Handler, log *slog.Logger) *Peer {
	p := newPeer(w, h, log)
	p.setCredentials(newCredentials())
	w.live[p] = struct{}{}
	return p
}

func newPeer(w *Worker, h Handler, log *slog.Logger) *Peer {
	p := &Peer{w: w, cert: w.group.certs[0], log: log, handler: h, keys: map[string]stun.MessageIntegrity{}}
	p.alive = w.NewTimer(p.checkAlive)
	p.arrival = w.NewTimer(p.checkArrival)
	p.dtls = newSession(p)
	return p
}

// Credentials are ours.
func (p *Peer) Credentials() Credentials { return p.local }

// Start begins to expect the endpoint. It is for the first answer only; later SDP changes nothing here but by RestartICE.
func (p *Peer) Start(remote Remote, now time.Duration) {
	if p.closed || p.stop != nil {
		return
	}
	p.client = remote.Client
	p.alive.Set(now + connectTimeout)
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.w.tasks.Go(func() { p.dtls.run(ctx, remote) })
}

// Started reports whether Start has been called.
func (p *Peer) Started() bool { return p.stop != nil }

// RestartICE makes new credentials (RFC 8445, section 9). Those that the endpoint uses are good until it uses the new,
// however many restarts it takes.
func (p *Peer) RestartICE() Credentials {
	if p.previous == (Credentials{}) {
		p.previous = p.local
	} else {
		p.forget(p.local) // never used
	}
	p.setCredentials(newCredentials())
	return p.local
}

// AllowData lets the endpoint's SCTP in: an m= section for it was agreed.
func (p *Peer) AllowData() { p.dtls.channels.allowed.Store(true) }

func (p *Peer) setCredentials(c Credentials) {
	p.local = c
	p.keys[c.Ufrag] = stun.NewShortTermIntegrity(c.Pwd)
	p.w.peers[c.Ufrag] = p
	p.w.group.known.enter(c.Ufrag, p.w)
}

func (p *Peer) forget(c Credentials) {
	delete(p.keys, c.Ufrag)
	delete(p.w.peers, c.Ufrag)
	p.w.group.known.remove(c.Ufrag)
}

func (p *Peer) integrity(ufrag string) stun.MessageIntegrity { return p.keys[ufrag] }

// checkAlive ends a peer that has not been heard for too long, or an adopted one whose endpoint stays with the other node.
func (p *Peer) checkAlive(now time.Duration) {
	stays := p.arrived != nil && !p.arrival.IsSet()
	if p.heard == 0 || now-p.heard >= consentTimeout || stays {
		p.end(reasonICEFailed)
		return
	}
	p.alive.Set(p.heard + consentTimeout)
}

// Close ends the peer; the endpoint is told. It is the last call.
func (p *Peer) Close() {
	if p.closed {
		return
	}
	p.closed = true
	for ufrag := range p.keys {
		p.forget(Credentials{Ufrag: ufrag})
	}
	for _, known := range p.paths {
		p.w.release(known)
	}
	p.alive.Stop()
	p.arrival.Stop()
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
