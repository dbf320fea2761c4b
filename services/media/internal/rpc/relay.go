package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// Relay is of mediav1.RelaysServer.
func (s *Server) Relay(stream grpc.BidiStreamingServer[mediav1.RelayDemand, mediav1.RelayNews]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.serving, cancel)()
	far, err := relayEnd(first.GetOpening().GetEnd(), stream.Context())
	if err == nil {
		err = s.node.Relay(ctx, node.FeedID(first.GetOpening().GetFeed()), far, relayLine{stream})
	}
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return nil
	case s.serving.Err() != nil:
		err = fault.New(fault.NodeUnavailable, err)
	}
	return s.refuse(ctx, "Relay", nil, err)
}

// relayLine is node.RelayLine.
type relayLine struct {
	stream grpc.BidiStreamingServer[mediav1.RelayDemand, mediav1.RelayNews]
}

func (l relayLine) Send(n node.RelayNews) error {
	m := &mediav1.RelayNews{MessagesLost: n.MessagesLost, MovedTo: n.MovedTo}
	if n.Accepted != nil {
		m.Accepted = protoRelayEnd(n.Accepted)
	}
	if n.Described {
		m.Streams = &mediav1.RelayStreams{}
		for _, s := range n.Streams {
			m.Streams.Streams = append(m.Streams.Streams, &mediav1.RelayStream{
				Number: s.Number, Mid: s.MID, Codec: s.Codec, Layers: uint32(s.Layers), Svc: s.SVC, Opaque: s.Opaque,
			})
		}
	}
	if n.Message != nil {
		m.Message = &mediav1.RelayMessage{Label: n.Message.Label, Text: n.Message.Text, Data: n.Message.Data}
	}
	if l.stream.Send(m) != nil {
		return io.EOF // the other node has gone, whatever it says
	}
	return nil
}

func (l relayLine) Receive() (node.RelayDemand, error) {
	m, err := l.stream.Recv()
	if err != nil {
		return node.RelayDemand{}, io.EOF
	}
	d := node.RelayDemand{Messages: m.GetMessages()}
	for _, w := range m.GetStreams() {
		one := node.RelayWanted{Number: w.GetNumber(), Layers: uint8(w.GetLayers() & (1<<forward.MaxLayers - 1))}
		for layer, h := range w.GetHeld() {
			if layer < len(one.Held) {
				one.Held[layer] = node.RelayHeld{First: h.GetFirst(), Highest: h.GetHighest()}
			}
		}
		d.Streams = append(d.Streams, one)
	}
	for _, k := range m.GetKeyframes() {
		d.Keyframes = append(d.Keyframes, node.RelayKeyframe{Number: k.GetNumber(), SSRC: k.GetSsrc()})
	}
	return d, nil
}

// relayEnd reads one. An address that is left out is that of the connection's other side, which ctx knows.
func relayEnd(e *mediav1.RelayEnd, ctx context.Context) (end node.RelayEnd, err error) {
	bad := func(what string) (node.RelayEnd, error) {
		return node.RelayEnd{}, fault.Newf(fault.BadRequest, "relay without %s", what)
	}
	if len(e.GetKey()) != len(end.Key) {
		return bad("a key")
	}
	copy(end.Key[:], e.GetKey())
	if e.GetPort() == 0 || e.GetPort() > 65535 {
		return bad("a port")
	}
	addr, ok := otherSide(ctx)
	if e.GetAddress() != "" {
		addr, err = netip.ParseAddr(e.GetAddress())
		ok = err == nil && addr.Zone() == ""
	}
	if !ok {
		return bad("an address")
	}
	end.Relay, end.Address = e.GetRelay(), netip.AddrPortFrom(addr.Unmap(), uint16(e.GetPort()))
	return end, nil
}

func otherSide(ctx context.Context) (netip.Addr, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}, false
	}
	tcp, ok := p.Addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	return tcp.AddrPort().Addr().WithZone(""), true
}

func protoRelayEnd(e *node.RelayEnd) *mediav1.RelayEnd {
	m := &mediav1.RelayEnd{Relay: e.Relay, Port: uint32(e.Address.Port()), Key: e.Key[:]}
	if e.Address.Addr().IsValid() {
		m.Address = e.Address.Addr().String()
	}
	return m
}

// pullLine is node.PullLine.
type pullLine struct {
	stream  grpc.BidiStreamingClient[mediav1.RelayDemand, mediav1.RelayNews]
	release func()
}

func (l *pullLine) Send(d node.RelayDemand) error {
	m := &mediav1.RelayDemand{Messages: d.Messages}
	for _, w := range d.Streams {
		one := &mediav1.RelayWanted{Number: w.Number, Layers: uint32(w.Layers)}
		for _, h := range w.Held {
			one.Held = append(one.Held, &mediav1.RelayHeld{First: h.First, Highest: h.Highest})
		}
		m.Streams = append(m.Streams, one)
	}
	for _, k := range d.Keyframes {
		m.Keyframes = append(m.Keyframes, &mediav1.RelayKeyframe{Number: k.Number, Ssrc: k.SSRC})
	}
	return l.stream.Send(m)
}

func (l *pullLine) Receive() (n node.RelayNews, err error) {
	m, err := l.stream.Recv()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return n, io.EOF
		}
		return n, fault.FromStatus(err)
	}
	if a := m.GetAccepted(); a != nil {
		end, err := relayEnd(a, l.stream.Context())
		if err != nil {
			return n, err
		}
		n.Accepted = &end
	}
	if m.GetStreams() != nil {
		n.Described = true
		for _, s := range m.GetStreams().GetStreams() {
			n.Streams = append(n.Streams, node.RelayStream{
				Number: s.GetNumber(), MID: s.GetMid(), Codec: s.GetCodec(), Layers: int(s.GetLayers()), SVC: s.GetSvc(), Opaque: s.GetOpaque(),
			})
		}
	}
	if m := m.GetMessage(); m != nil && len(m.GetData()) <= transport.MaxMessage {
		n.Message = &transport.Message{Label: m.GetLabel(), Text: m.GetText(), Data: m.GetData()}
	}
	n.MessagesLost, n.MovedTo = m.GetMessagesLost(), m.GetMovedTo()
	return n, nil
}

func (l *pullLine) Close() error {
	l.release()
	return nil
}
