package node

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
)

// maxForwarders is how many a publisher has at most.
const maxForwarders = 64

// Forwarder is a stream that is to go on to another address.
type Forwarder struct {
	ID             uint32
	MID            string
	Host, Family   string
	Port, RTCPPort uint16
	SSRC           uint32 // 0: as received
	PayloadType    uint8  // likewise
	Simulcast      bool   // the best layer; else that of Layer
	Layer          int
	Crypto         rtpforward.Crypto
	Keyframe       bool // ask for one now
}

// Forwarded is a forwarder that is there.
type Forwarded struct {
	ID        uint32
	Address   netip.Addr
	LocalRTCP uint16 // 0 for none
}

// forwarding is all that a publisher has.
type forwarding struct {
	socket  *rtpforward.Socket // nil as long as there is nothing to send
	all     map[uint32]*forwarder
	remotes map[string]*remotization
}

// forwarder is one at work.
type forwarder struct {
	Forwarded
	want     Forwarder
	in       *inbound // nil for data
	port     *rtpforward.Port
	tap      *forward.Tap         // as it came;
	leg      *forward.Leg         // or the best layer; neither of data
	feedback *rtpforward.Feedback // may be nil
}

// Forward begins forwarders, all or none. Those that are there already stay as they are.
func (n *Node) Forward(ctx context.Context, id PeerID, want []Forwarder) ([]Forwarded, error) {
	addresses := make([]netip.Addr, len(want))
	for i := range want {
		var err error
		if addresses[i], err = n.cfg.Outlet.Resolve(ctx, want[i].Host, want[i].Family); err != nil {
			return nil, err
		}
	}
	sh := n.shard(id.Handle)
	return do(ctx, sh, func(now time.Duration) ([]Forwarded, error) {
		p, err := sh.find(id)
		if err != nil {
			return nil, err
		}
		return p.publishing.forward(want, addresses, now)
	})
}

// StopForward ends a forwarder. One that is not there is no error.
func (n *Node) StopForward(ctx context.Context, id PeerID, forwarder uint32) error {
	sh := n.shard(id.Handle)
	return sh.run(ctx, func(now time.Duration) error {
		p, err := sh.find(id)
		if err != nil {
			return err
		}
		if f := p.publishing.forwarding.all[forwarder]; f != nil {
			p.publishing.endForward(f, now)
		}
		return nil
	})
}

func (pub *publisher) forward(want []Forwarder, addresses []netip.Addr, now time.Duration) (done []Forwarded, err error) {
	w := &pub.forwarding
	var begun []*forwarder
	defer func() {
		for _, f := range begun {
			if err != nil {
				pub.endForward(f, now)
			}
		}
		pub.closeUnusedSocket()
	}()
	for i := range want {
		f := w.all[want[i].ID]
		if f == nil {
			if f, err = pub.beginForward(&want[i], addresses[i], now); err != nil {
				return nil, err
			}
			begun = append(begun, f)
		}
		done = append(done, f.Forwarded)
	}
	return done, nil
}

func (pub *publisher) beginForward(want *Forwarder, address netip.Addr, now time.Duration) (*forwarder, error) {
	w, p := &pub.forwarding, pub.peer
	if len(w.all) >= maxForwarders {
		return nil, fault.New(fault.TooBusy, fmt.Errorf("%d forwarders", len(w.all)))
	}
	in := pub.stream(want.MID)
	if in == nil && !pub.carriesData(want.MID) || in != nil && (want.Layer < 0 || want.Layer >= in.layers) {
		return nil, fault.New(fault.NoSuchFeed, fmt.Errorf("no layer %d of %q", want.Layer, want.MID))
	}
	if err := pub.openSocket(); err != nil {
		return nil, err
	}
	port, err := w.socket.Port(netip.AddrPortFrom(address, want.Port), want.Crypto, want.sent(in)...)
	if err != nil {
		return nil, err
	}
	f := &forwarder{Forwarded: Forwarded{ID: want.ID, Address: address}, want: *want, in: in, port: port}
	if in != nil && want.RTCPPort != 0 {
		worker, keyframe := p.shard.worker, func(now time.Duration) { in.stream.RequestKeyframe(now) }
		receiver := netip.AddrPortFrom(address, want.RTCPPort)
		f.feedback, err = p.node.cfg.Outlet.Listen(receiver, func(uint32) { worker.Post(keyframe) })
		if err != nil {
			f.port.Close()
			return nil, fault.New(fault.TooBusy, err)
		}
		f.LocalRTCP = f.feedback.Port()
	}
	if in != nil {
		f.connect(want, now)
	}
	w.all[f.ID] = f
	p.log.Info("forwarded", "mid", want.MID, "to", netip.AddrPortFrom(address, want.Port).String(), "forwarder", want.ID)
	return f, nil
}

// sent is the SSRC that goes out, as far as it is known.
func (f *Forwarder) sent(in *inbound) []uint32 {
	switch {
	case in == nil:
		return nil
	case f.SSRC != 0:
		return []uint32{f.SSRC}
	case f.Simulcast && in.layers > 1:
		return []uint32{f.ID}
	case in.media[f.Layer] != 0:
		return []uint32{in.media[f.Layer]}
	}
	return nil
}

// connect lets packets flow. Header extensions keep the publisher's numbers.
func (f *forwarder) connect(want *Forwarder, now time.Duration) {
	in, ids := f.in, f.in.forwardedIDs()
	payloadType := want.PayloadType
	if payloadType == 0 {
		payloadType = in.agreed.Format.PayloadType
	}
	if want.Keyframe {
		in.stream.RequestKeyframe(now)
	}
	if !want.Simulcast || in.layers == 1 {
		f.tap = forward.NewTap(in.stream, forward.TapConfig{
			Layer: want.Layer, SSRC: want.SSRC, PayloadType: payloadType, Extensions: ids, Sender: f.port,
		})
		return
	}
	ssrc := want.SSRC
	if ssrc == 0 {
		ssrc = want.ID
	}
	f.leg = forward.NewLeg(forward.LegConfig{
		Codec: in.codec, SSRC: ssrc, PayloadType: payloadType, Extensions: ids, Quiet: true, Sender: f.port, Observer: deaf{},
	})
	f.leg.Connect(in.stream, now)
	f.leg.SetTargets(forward.BestLayers, now)
	f.leg.SetFlowing(true, now)
}

// forwardedIDs are the header extensions that go on, with the publisher's numbers.
func (in *inbound) forwardedIDs() packet.ExtensionIDs {
	ids := in.agreed.IDs
	ids.MID, ids.RID, ids.RepairedRID, ids.TransportCC, ids.AbsSendTime, ids.DependencyDescriptor = 0, 0, 0, 0, 0, 0
	return ids
}

// endForward ends one forwarder, and the socket with the last.
func (pub *publisher) endForward(f *forwarder, now time.Duration) {
	if f.tap != nil {
		f.tap.Close()
	}
	if f.leg != nil {
		f.leg.Disconnect(now)
	}
	if f.feedback != nil {
		f.feedback.Close()
	}
	f.port.Close()
	delete(pub.forwarding.all, f.ID)
	pub.closeUnusedSocket()
}

// openSocket makes sure that there is one, which is closed when it is seen to be unused.
func (pub *publisher) openSocket() error {
	w := &pub.forwarding
	if w.socket != nil {
		return nil
	}
	socket, err := pub.peer.node.cfg.Outlet.Open(pub.peer.log)
	if err != nil {
		return fault.New(fault.TooBusy, err)
	}
	w.socket, w.all, w.remotes = socket, map[uint32]*forwarder{}, map[string]*remotization{}
	return nil
}

func (pub *publisher) closeUnusedSocket() {
	if w := &pub.forwarding; w.socket != nil && len(w.all)+len(w.remotes) == 0 {
		w.socket.Close()
		w.socket = nil
	}
}

// endForwards ends all forwarders of a stream, or of data if it is nil.
func (pub *publisher) endForwards(in *inbound, now time.Duration) {
	for _, f := range pub.forwarding.all {
		if f.in == in {
			pub.endForward(f, now)
		}
	}
}

// forwardMessage sends a message to who wants data.
func (pub *publisher) forwardMessage(b []byte) {
	for _, f := range pub.forwarding.all {
		if f.in == nil {
			f.port.Message(b)
		}
	}
}
