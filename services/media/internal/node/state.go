package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// State is all that another node needs to go on with a peer. It holds secrets. Between nodes it is JSON: members that
// one of them does not know are left out.
type State struct {
	Peer         PeerID
	Origin       uint64 // o= id of our descriptions
	Version      uint64 // of the last
	OpaqueID     string // of the handle
	Times        PeerTimes
	Client       bool   // we are the DTLS client
	Ufrag        string // the endpoint's last
	ReportSSRC   uint32 // ours where nothing is sent
	SSRCs        []uint32
	TransportSeq uint16 // transport-wide sequence number of the next packet
	Texts        bool   // what comes over data channels is roomstate's

	Transport   transport.State
	Publishing  PublishingState
	Subscribing SubscribingState
}

// PublishingState is of the half that sends to us.
type PublishingState struct {
	Feed        FeedID
	Offered     []sdp.Stream
	LowestFirst bool
	Bitrate     uint64
	Terms       Terms
	Muted       bool           // its messages are not relayed
	Clock       *time.Duration // see forward.PublisherClock.Offset; nil if unknown
	Streams     []*InboundState
	Echo        *Echo // nil for none
	Outputs     OutputsState
}

// InboundState is of one m= section that is received.
type InboundState struct {
	Media, Repair [forward.MaxLayers]uint32
	Delay         *packet.PlayoutDelay
	Stream        forward.StreamState
}

// SubscribingState is of the half that we send to.
type SubscribingState struct {
	Paused bool
	Open   []sdp.Slot // an offer without an answer
	Slots  []SlotState
	Shared bool // the endpoint sends in the same m= sections
}

// SlotState is of one m= section that is sent.
type SlotState struct {
	Offered  sdp.Slot
	Accepted sdp.Accepted
	Ready    bool
	Send     bool
	Source   *Source
	Delay    *packet.PlayoutDelay
	Leg      *forward.LegState
	Heard    []DataSource // of data in m= sections that are shared; what others hear roomstate says
}

// ParseState reads what Encode wrote.
func ParseState(b []byte) (*State, error) {
	s := new(State)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fault.New(fault.WrongState, fmt.Errorf("peer state: %w", err))
	}
	return s, nil
}

// Encode is what another node can read.
func (s *State) Encode() ([]byte, error) { return json.Marshal(s) }

// export returns the peer's state.
func (p *peer) export() (*State, error) {
	switch {
	case !p.up:
		return nil, fault.New(fault.WrongState, errors.New("peer is not up"))
	case p.passing != passing{}:
		return nil, fault.New(fault.WrongState, errors.New("an offer to or from the other endpoint of the call has no answer yet"))
	case p.publishing.remote != nil:
		return nil, fault.New(fault.WrongState, errors.New("peer is another server's publisher, which sends here"))
	}
	if err := p.publishing.movable(); err != nil {
		return nil, err
	}
	s := &State{
		Peer: p.id, Origin: p.origin, Version: p.version, OpaqueID: p.opaqueID, Times: p.times, Client: p.client, Ufrag: p.ufrag, ReportSSRC: p.rtcp.ssrc,
		SSRCs: slices.Collect(maps.Keys(p.ssrcs)), TransportSeq: p.subscribing.bandwidth.number(), Texts: p.texts,
		Publishing: p.publishing.export(), Subscribing: p.subscribing.export(),
	}
	var err error
	if s.Transport, err = p.conn.Export(p.sent(), slices.Collect(maps.Keys(p.publishing.routes))); err != nil {
		return nil, fault.New(fault.WrongState, err)
	}
	return s, nil
}

// sent lists all SSRCs of ours.
func (p *peer) sent() []transport.SentIndex {
	all := []transport.SentIndex{{SSRC: p.rtcp.ssrc}}
	for _, sl := range p.subscribing.slots {
		if sl.leg == nil {
			continue
		}
		media, rtx := sl.leg.Indexes()
		all = append(all, transport.SentIndex{SSRC: sl.offered.Sent.SSRC, RTP: media})
		if sl.offered.Sent.RTX != 0 {
			all = append(all, transport.SentIndex{SSRC: sl.offered.Sent.RTX, RTP: rtx})
		}
	}
	return all
}

func (pub *publisher) export() PublishingState {
	s := PublishingState{
		Feed: pub.id, Offered: pub.offered, LowestFirst: pub.lowestFirst, Bitrate: pub.bitrate, Terms: pub.terms,
		Muted: pub.muted, Echo: pub.echo, Outputs: pub.exportOutputs(),
	}
	if offset, known := pub.clock.Offset(); known {
		s.Clock = &offset
	}
	for _, in := range pub.streams {
		if in == nil {
			s.Streams = append(s.Streams, nil)
			continue
		}
		s.Streams = append(s.Streams, &InboundState{
			Media: in.media, Repair: in.repair, Delay: in.delay.value(), Stream: in.stream.Export(),
		})
	}
	return s
}

func (s *subscriber) export() SubscribingState {
	state := SubscribingState{Paused: s.paused, Open: s.open, Shared: s.shared}
	for _, sl := range s.slots {
		one := SlotState{
			Offered: sl.offered, Accepted: sl.accepted, Ready: sl.ready, Send: sl.send,
			Source: sl.source, Delay: sl.delay.value(),
		}
		if sl.leg != nil {
			leg := sl.leg.Export()
			one.Leg = &leg
		}
		if s.shared {
			for f := range sl.heard {
				one.Heard = append(one.Heard, DataSource{Feed: f.id, Label: f.listeners[sl]})
			}
		}
		state.Slots = append(state.Slots, one)
	}
	return state
}
