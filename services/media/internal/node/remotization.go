package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// maxRemotizations is to how many other servers a publisher goes on at most.
const maxRemotizations = 32

// Between servers, the streams of a publisher are told apart by their SSRCs, which say the m= section and the layer; those
// of messages have a payload type that says what they are (spec/videoroom.md, section 14).
const (
	firstSSRC   = 1000
	sectionStep = 10
	textType    = 0
	binaryType  = 1
)

// remoteSSRC is a stream's between servers.
func remoteSSRC(section, layer int) uint32 {
	return uint32(firstSSRC + sectionStep*section + layer)
}

// Remote is another server that gets a publisher.
type Remote struct {
	ID             string
	Host, Family   string
	Port, RTCPPort uint16 // the latter 0 for none
	Crypto         rtpforward.Crypto
	Keeper         string // rtpforward.Outlet's from before the first packet under the key; empty without a key
	Resumes        bool   // it had an earlier peer of the publisher, which the Keeper knows of
}

// remotization is all that one server gets of a publisher: what it sends now, and what it adds.
type remotization struct {
	Remote
	address  netip.Addr
	port     *rtpforward.Port
	feedback *rtpforward.Feedback // may be nil
	taps     map[*inbound][]*forward.Tap
	messages uint16 // number of the next
}

// Remotized is a server that gets a publisher.
type Remotized struct {
	Address netip.Addr
	Keeper  string // as Remote's
}

// PublishRemotely has a publisher go on to other servers, all or none of those given. Those that get it already go on as they
// are.
func (n *Node) PublishRemotely(ctx context.Context, id PeerID, want []Remote) (done []Remotized, err error) {
	defer func() {
		if err != nil && slices.ContainsFunc(want, func(r Remote) bool { return r.Resumes }) {
			n.log.Warn("not published remotely any more", "session", id.Session, "handle", id.ID, "err", err)
		}
	}()
	addresses := make([]netip.Addr, len(want))
	for i := range want {
		if addresses[i], err = n.cfg.Outlet.Resolve(ctx, want[i].Host, want[i].Family); err != nil {
			return nil, err
		}
	}
	sh := n.shard(id.Handle)
	return do(ctx, sh, func(time.Duration) ([]Remotized, error) {
		p, err := sh.find(id)
		if err != nil {
			return nil, err
		}
		if err := p.publishing.remotizeAll(want, addresses); err != nil {
			return nil, err
		}
		var all []Remotized
		for i := range want {
			all = append(all, Remotized{addresses[i], p.publishing.forwarding.remotes[want[i].ID].Keeper})
		}
		return all, nil
	})
}

// UnpublishRemotely ends that. A server that does not get it is no error.
func (n *Node) UnpublishRemotely(ctx context.Context, id PeerID, remote string) error {
	sh := n.shard(id.Handle)
	return sh.run(ctx, func(time.Duration) error {
		p, err := sh.find(id)
		if err != nil {
			return err
		}
		if r := p.publishing.forwarding.remotes[remote]; r != nil {
			p.publishing.endRemotization(r)
		}
		return nil
	})
}

func (pub *publisher) remotizeAll(want []Remote, addresses []netip.Addr) error {
	defer pub.closeUnusedSocket()
	var begun []*remotization
	for i := range want {
		if pub.forwarding.remotes[want[i].ID] != nil {
			continue
		}
		r, err := pub.remotize(want[i], addresses[i])
		if err != nil {
			for _, r := range begun {
				pub.endRemotization(r)
			}
			return err
		}
		begun = append(begun, r)
	}
	return nil
}

func (pub *publisher) remotize(want Remote, address netip.Addr) (*remotization, error) {
	w, p := &pub.forwarding, pub.peer
	if len(w.remotes) >= maxRemotizations {
		return nil, fault.New(fault.TooBusy, fmt.Errorf("%d remotizations", len(w.remotes)))
	}
	if err := pub.openSocket(); err != nil {
		return nil, err
	}
	port, err := pub.remotePort(&want, address)
	if err != nil {
		return nil, err
	}
	r := &remotization{Remote: want, address: address, port: port, taps: map[*inbound][]*forward.Tap{}}
	if want.RTCPPort != 0 {
		receiver := netip.AddrPortFrom(address, want.RTCPPort)
		r.feedback, err = p.node.cfg.Outlet.Listen(receiver, func(ssrc uint32) {
			p.shard.worker.Post(func(now time.Duration) { pub.refresh(ssrc, now) })
		})
		if err != nil {
			port.Close()
			return nil, fault.New(fault.TooBusy, err)
		}
	}
	w.remotes[r.ID] = r
	pub.follow(r)
	p.log.Info("published remotely", "remote", r.ID, "to", netip.AddrPortFrom(address, want.Port).String())
	return r, nil
}

// remotePort is where a remotization's packets go. One that is encrypted and resumes needs the node that had it.
func (pub *publisher) remotePort(want *Remote, address netip.Addr) (*rtpforward.Port, error) {
	socket, to, ssrcs := pub.forwarding.socket, netip.AddrPortFrom(address, want.Port), pub.remoteSSRCs()
	switch {
	case want.Crypto.Suite == 0:
		want.Keeper = ""
	case want.Resumes && want.Keeper == "":
		return nil, fault.Newf(fault.BadElement, "it is not known what the SRTP key was used for: another is needed")
	case want.Resumes:
		return socket.Resume(to, want.Crypto, want.Keeper, ssrcs...)
	default:
		want.Keeper = pub.peer.node.cfg.Outlet.Keeper()
	}
	return socket.Port(to, want.Crypto, ssrcs...)
}

// remoteSSRCs are those of all that is published now.
func (pub *publisher) remoteSSRCs() []uint32 {
	var all []uint32
	for i := range pub.offered {
		switch in := pub.streams[i]; {
		case in != nil:
			for layer := range in.layers {
				all = append(all, remoteSSRC(i, layer))
			}
		case pub.offered[i].Kind == sdp.Data:
			all = append(all, remoteSSRC(i, 0))
		}
	}
	return all
}

// refresh asks for a key frame of what has that SSRC between servers.
func (pub *publisher) refresh(ssrc uint32, now time.Duration) {
	section := (int(ssrc) - firstSSRC) / sectionStep
	if section >= 0 && section < len(pub.streams) && pub.streams[section] != nil {
		pub.streams[section].stream.RequestKeyframe(now)
	}
}

// follow makes a remotization have all streams that there are.
func (pub *publisher) follow(r *remotization) {
	for i, in := range pub.streams {
		if in == nil || r.taps[in] != nil {
			continue
		}
		for layer := range in.layers {
			r.taps[in] = append(r.taps[in], forward.NewTap(in.stream, forward.TapConfig{
				Layer: layer, SSRC: remoteSSRC(i, layer), PayloadType: in.agreed.Format.PayloadType,
				Extensions: in.forwardedIDs(), Sender: r.port,
			}))
		}
	}
}

// leaveRemotes ends what other servers get of a stream.
func (pub *publisher) leaveRemotes(in *inbound) {
	for _, r := range pub.forwarding.remotes {
		for _, tap := range r.taps[in] {
			tap.Close()
		}
		delete(r.taps, in)
	}
}

func (pub *publisher) endRemotization(r *remotization) {
	for _, taps := range r.taps {
		for _, tap := range taps {
			tap.Close()
		}
	}
	if r.feedback != nil {
		r.feedback.Close()
	}
	r.port.Close()
	delete(pub.forwarding.remotes, r.ID)
	pub.closeUnusedSocket()
}

// sendRemotely sends a message to all other servers.
func (pub *publisher) sendRemotely(m transport.Message) {
	if len(pub.forwarding.remotes) == 0 {
		return
	}
	for i := range pub.offered {
		if pub.offered[i].Kind != sdp.Data || pub.offered[i].Refused {
			continue
		}
		for _, r := range pub.forwarding.remotes {
			h := packet.Header{SSRC: remoteSSRC(i, 0), Seq: r.messages, PayloadType: binaryType}
			if m.Text {
				h.PayloadType = textType
			}
			r.messages++
			r.port.MessageRTP(&h, m.Data)
		}
		return
	}
}
