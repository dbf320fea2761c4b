package node

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// maxRemoteStreams is how many streams a publisher of another server has at most: their SSRCs are numbered.
const maxRemoteStreams = 64

// maxRemoteMedia is how long the payload of sound or video may be, in bytes; only messages may be longer. What is too long for
// any endpoint is not kept in a ring either.
const maxRemoteMedia = packet.MaxSize

// RemoteRequest is a publisher that another server sends.
type RemoteRequest struct {
	Command
	Feed      FeedID
	Streams   []sdp.RemoteStream // in the order of the other server's m= sections; SSRCs are the node's to say, but for how many
	Port      uint16             // to listen on; 0 for any
	Interface string             // likewise; empty for the node's own
	Crypto    *rtpforward.Crypto // nil: as before, or none
	Terms     Terms
	Recording *Recording
}

// RemoteAnswer is where it is to send to.
type RemoteAnswer struct {
	Address   netip.Addr // not valid if the node does not know its own
	RTP, RTCP uint16
}

// remoteSource is where packets of a publisher come from that is another server's. It is the way back to it
// (forward.Upstream).
type remoteSource struct {
	pub  *publisher // nil until it has one; the worker's
	port *rtpreceive.Port
}

// AcceptRemote makes a peer of what another server sends, without a PeerConnection. The first request opens a port for it, others
// change its streams.
func (n *Node) AcceptRemote(ctx context.Context, r RemoteRequest) (RemoteAnswer, error) {
	if len(r.Streams) > maxRemoteStreams {
		return RemoteAnswer{}, fault.Newf(fault.InvalidSDP, "%d streams", len(r.Streams))
	}
	streams := make([]sdp.Stream, len(r.Streams))
	for i := range r.Streams {
		for layer := range r.Streams[i].SSRCs {
			r.Streams[i].SSRCs[layer] = remoteSSRC(i, layer)
		}
		var err error
		if streams[i], err = r.Streams[i].Stream(); err != nil {
			return RemoteAnswer{}, invalidSDP(err)
		}
	}
	answer, err := n.acceptRemote(ctx, &r, streams, nil)
	if !errors.Is(err, errNoSource) {
		return answer, err
	}
	source, err := n.openSource(&r)
	if err != nil {
		return RemoteAnswer{}, err
	}
	return n.acceptRemote(ctx, &r, streams, source)
}

// errNoSource says that a port is needed. It is opened on the caller's goroutine: workers have no time to look for one.
var errNoSource = errors.New("no source")

func (n *Node) openSource(r *RemoteRequest) (*remoteSource, error) {
	crypto := rtpforward.Crypto{}
	if r.Crypto != nil {
		crypto = *r.Crypto
	}
	source, worker := new(remoteSource), n.shard(r.Peer.Handle).worker
	var err error
	source.port, err = n.cfg.Inlet.Open(r.Interface, r.Port, crypto, func() { worker.Post(source.receive) })
	return source, err
}

// acceptRemote carries out a request, with source if the peer has none yet. It is errNoSource if that is nil then.
func (n *Node) acceptRemote(ctx context.Context, r *RemoteRequest, streams []sdp.Stream, source *remoteSource) (RemoteAnswer, error) {
	sh := n.shard(r.Peer.Handle)
	return do(ctx, sh, func(now time.Duration) (RemoteAnswer, error) {
		if source == nil && !sh.hasSource(r.Peer) {
			return RemoteAnswer{}, errNoSource
		}
		defer func() {
			if source != nil && source.pub == nil {
				source.port.Close()
			}
		}()
		p, err := sh.open(r.Peer, now)
		if err != nil {
			return RemoteAnswer{}, err
		}
		if answer, ok := recall[RemoteAnswer](&p.done, r.ID); ok {
			return answer, nil
		}
		answer, err := p.publishing.acceptRemote(r, streams, source, now)
		if err != nil {
			p.undo(now)
			return RemoteAnswer{}, err
		}
		p.done.put(r.ID, answer)
		return answer, nil
	})
}

func (sh *shard) hasSource(id PeerID) bool {
	p := sh.peers[id.Handle]
	return p != nil && p.id == id && p.publishing.remote != nil
}

func (pub *publisher) acceptRemote(r *RemoteRequest, streams []sdp.Stream, source *remoteSource, now time.Duration) (RemoteAnswer, error) {
	p := pub.peer
	if err := pub.register(r.Feed); err != nil {
		return RemoteAnswer{}, err
	}
	if pub.remote == nil {
		source.pub, pub.remote = pub, source
		p.up, p.version = true, 1
		p.log.Info("remote publisher", "feed", r.Feed, "port", source.port.RTP(), "rtcp_port", source.port.RTCP())
	} else if r.Crypto != nil {
		if err := pub.remote.port.SetCrypto(*r.Crypto); err != nil {
			return RemoteAnswer{}, err
		}
	}
	pub.terms = r.Terms
	pub.take(streams, now)
	pub.setRecording(r.Recording, now)
	pub.record(now)
	answer := RemoteAnswer{RTP: pub.remote.port.RTP(), RTCP: pub.remote.port.RTCP()}
	answer.Address = pub.remote.port.Address()
	return answer, nil
}

// receive takes what waits at the port. It is called on the worker.
func (s *remoteSource) receive(now time.Duration) {
	if s.pub == nil || s.pub.peer.closed {
		return
	}
	p := s.pub.peer
	for _, b := range s.port.Take() {
		if p.capture != nil {
			p.capture.Packet(b, true)
		}
		if p.packet.Parse(b, &s.pub.ids) != nil {
			continue
		}
		p.packet.Arrival = now
		s.packet(&p.packet)
	}
}

func (s *remoteSource) packet(packet *packet.Packet) {
	if r, ok := s.pub.routes[packet.SSRC]; ok {
		switch n := len(packet.Payload); {
		case n == 0:
			return // no media: to open a NAT
		case n > maxRemoteMedia:
			s.port.Refuse()
			return
		}
		packet.PayloadType = r.in.agreed.Format.PayloadType // whatever it is at the other server
		r.in.receive(r, packet)
		return
	}
	section := (int(packet.SSRC) - firstSSRC) / sectionStep
	if section >= 0 && section < len(s.pub.offered) && s.pub.offered[section].Kind == sdp.Data &&
		!s.pub.offered[section].Refused && len(packet.Payload) <= transport.MaxMessage {
		s.pub.data(transport.Message{Text: packet.PayloadType == textType, Data: packet.Payload})
	}
}

// RequestKeyframe is of forward.Upstream.
func (s *remoteSource) RequestKeyframe(ssrc uint32) (sent bool) {
	s.port.RequestKeyframe(ssrc)
	return true
}

// SendNACK is of forward.Upstream, and not called: the other server does not answer.
func (s *remoteSource) SendNACK(uint32, []uint16) {}

// upstream is the way back to who publishes.
func (pub *publisher) upstream() forward.Upstream {
	if pub.remote != nil {
		return pub.remote
	}
	return pub.peer
}
