package node

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/capture"
	"github.com/cardea-rtc/cardea/services/media/internal/feedback"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// peer is one PeerConnection: a publisher's, a subscriber's, or one of a call or an echo, which is both in the same m= sections.
// It is what its connection calls (transport.Handler), where its legs send (forward.Sender), and the way back to its
// streams' source (forward.Upstream).
type peer struct {
	node  *Node
	shard *shard
	id    PeerID
	log   *slog.Logger
	conn  *transport.Peer

	origin   uint64 // o= id of our descriptions
	version  uint64 // of the last; 0 before the first
	client   bool   // we are the DTLS client
	ufrag    string // the endpoint's last
	sdps     sdps
	up       bool
	times    PeerTimes
	progress progress // of ICE
	closed   bool
	texts    bool   // what comes over data channels is roomstate's
	movedTo  string // the node to which the peer has gone; empty if that is not known
	taking   Origin // the node that has the peer until it is up here; nil of those that began here
	arrived  bool   // the endpoint is here, and taking has been asked to let go
	ending   string // why it was closed after that
	done     memory

	held    *transport.Timer // until when messages to the endpoint wait, since it may go to another node
	keeping keeping
	bounded bool // something that was to be sent is beyond a bound of keeping

	remb     uint64           // the endpoint's last, in bits a second; 0 for none
	capture  *capture.Capture // nil for none
	captured capturedTo
	opaqueID string // of the handle; for the observer, as the next two
	statsDue time.Duration
	counted  map[countedKey]counted

	publishing  publisher
	subscribing subscriber
	passing     passing // of a call

	packet   packet.Packet // scratch
	rtcp     reporter
	ssrcs    ssrcs
	inRTCP   feedback.Handler
	clock    time.Duration    // while inRTCP runs
	seconds  *transport.Timer // of what is done each second
	streams  streamCount      // in the node's counters
	feedback *transport.Timer // on what came
}

func newPeer(sh *shard, id PeerID) *peer {
	p := makePeer(sh, id)
	p.rtcp.ssrc = p.newSSRC()
	p.conn = sh.worker.NewPeer(p, p.log)
	p.conn.UseCertificate(id.Generation)
	p.times.Made = time.Now()
	p.log.Info("peer made")
	return p
}

// makePeer makes one without a connection.
func makePeer(sh *shard, id PeerID) *peer {
	n := sh.node
	p := &peer{
		node: n, shard: sh, id: id, ssrcs: ssrcs{}, origin: rand.Uint64() >> 2, // 62 bits (RFC 9429, section 5.2.1)
		log: n.log.With("session", id.Session, "handle", id.ID, "generation", id.Generation),
	}
	p.publishing.begin(p)
	p.subscribing.init(p)
	p.subscribing.bandwidth.timer = sh.worker.NewTimer(p.subscribing.bandwidth.tick)
	p.inRTCP = p.rtcpHandler()
	p.held = sh.worker.NewTimer(func(time.Duration) { p.conn.HoldData(false) })
	p.seconds, p.feedback = sh.worker.NewTimer(p.eachSecond), sh.worker.NewTimer(p.sendTransportFeedback)
	return p
}

// Up is of transport.Handler.
func (p *peer) Up(now time.Duration) {
	p.up, p.times.Up = true, time.Now()
	p.observe(DTLS{"connected"})
	p.seconds.Set(now + time.Second)
	p.log.Info("peer up")
	p.node.cfg.Events.Publish(p.id, Up{})
	p.subscribing.resume(now)
	p.publishing.record(now)
}

// Closed is of transport.Handler.
func (p *peer) Closed(reason string) {
	p.log.Info("peer lost", "reason", reason)
	p.lost(reason)
	p.release(p.shard.worker.Now())
	switch {
	case p.taking == nil:
		p.node.cfg.Events.Publish(p.id, Closed{Reason: reason})
	case p.arrived:
		p.ending = reason // to be told if the other node has let go
	default: // the endpoint did not come, and the other node still has it
		p.node.cfg.Events.Publish(p.id, NotMoved{})
	}
}

// close ends the peer, and tells nobody but the endpoint.
func (p *peer) close(now time.Duration) {
	p.conn.Close()
	p.release(now)
}

// undo ends a peer whose first request has failed, as if it had never been: another try may come.
func (p *peer) undo(now time.Duration) {
	if p.version == 0 {
		p.close(now)
		delete(p.shard.gone, p.id.Handle)
	}
}

func (p *peer) release(now time.Duration) {
	if p.closed {
		return
	}
	p.closed = true
	p.tellStatistics(true)
	p.setStreams(streamCount{})
	p.endCapture()
	p.seconds.Stop()
	p.feedback.Stop()
	p.held.Stop()
	p.subscribing.bandwidth.timer.Stop()
	if p.taking != nil && !p.arrived { // else it is being asked, and closed after that
		_ = p.taking.Close()
	}
	p.subscribing.close(now)
	p.publishing.close(now)
	p.keepEnd()
	p.shard.forget(p, now)
}

// RTP is of transport.Handler.
func (p *peer) RTP(b []byte, now time.Duration) {
	if p.capture != nil {
		p.capture.Packet(b, true)
	}
	if p.packet.Parse(b, &p.publishing.ids) != nil {
		return
	}
	p.packet.Arrival = now
	p.publishing.receive(&p.packet, now)
}

// RTCP is of transport.Handler.
func (p *peer) RTCP(b []byte, now time.Duration) {
	if p.capture != nil {
		p.capture.Packet(b, true)
	}
	p.clock = now
	// What cannot be read of a datagram is left out; it is authentic, so there is nobody to warn of.
	_ = p.inRTCP.Handle(b)
}

// Data is of transport.Handler.
func (p *peer) Data(m transport.Message, now time.Duration) {
	if p.texts {
		p.tell(m)
		return
	}
	p.publishing.data(m)
}

// Buffer is of forward.Sender.
func (p *peer) Buffer() []byte { return p.conn.Buffer() }

// SendRTP is of forward.Sender.
func (p *peer) SendRTP(header, payload []byte) {
	if p.capture != nil {
		p.capture.Packet(append(header, payload...), false)
	}
	p.subscribing.bandwidth.sent(len(header) + len(payload))
	p.conn.SendRTP(header, payload)
}

// NextTransportSeq is of forward.Sender.
func (p *peer) NextTransportSeq(now time.Duration) uint16 { return p.subscribing.bandwidth.begin(now) }

func (p *peer) eachSecond(now time.Duration) {
	p.seconds.Set(now + time.Second)
	p.sendReports(now)
	p.countLosses()
	p.countStreams()
	p.tellStatistics(false)
}

// local is our side of the next description.
func (p *peer) local(setup, sessionName string) *sdp.Local {
	p.version++
	if p.version == 1 {
		p.gathers()
	}
	g, credentials := p.node.group, p.conn.Credentials()
	return &sdp.Local{
		Host: g.Host(), Candidates: g.Candidates(), Ufrag: credentials.Ufrag, Pwd: credentials.Pwd,
		Fingerprint: p.conn.Fingerprint(), Setup: setup, OriginID: p.origin, Version: p.version, SessionName: sessionName,
	}
}
