package node

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/relay"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// pulled is a stream of a feed that another node has. It outlives relays, and so does what its legs send.
type pulled struct {
	flow
	pull *pull
	RelayStream
	far uint32 // its number there
}

// describe makes there be exactly these streams.
func (p *pull) describe(streams []RelayStream, now time.Duration) error {
	if len(streams) > sdp.MaxSections {
		return fmt.Errorf("%d streams", len(streams))
	}
	for i := range streams {
		if d := &streams[i]; d.Layers < 1 || d.Layers > forward.MaxLayers {
			return fmt.Errorf("stream of %d layers", d.Layers)
		}
	}
	last := p.streams
	p.streams = nil
	for _, d := range streams {
		p.streams = append(p.streams, p.continued(&last, d, now))
	}
	for _, one := range last {
		one.stop(now)
	}
	for s := range p.watchers {
		s.connect(now)
	}
	for _, m := range p.taps.mirrors {
		m.describe(p)
	}
	p.demand()
	p.tell()
	if p.broken {
		p.broken = false
		for _, one := range p.streams {
			one.stream.BeginAnew(now)
		}
	}
	return nil
}

// continued takes a stream from the last ones, or makes it.
func (p *pull) continued(last *[]*pulled, d RelayStream, now time.Duration) *pulled {
	for i, one := range *last {
		same := one.RelayStream
		same.Number = d.Number
		if same == d {
			*last = append((*last)[:i], (*last)[i+1:]...)
			one.far = d.Number
			return one
		}
	}
	p.streamsMade++
	one := &pulled{pull: p, RelayStream: d, far: d.Number}
	one.number, one.taps = p.streamsMade, &p.taps
	cfg := forward.StreamConfig{Codec: codec.Parse(d.Codec), Layers: d.Layers, SVC: d.SVC, Opaque: d.Opaque}.Replica(one, &p.publisher)
	cfg.Wanted = func(uint8) { p.demand() }
	one.start(p.shard, forward.NewStream(cfg), now)
	return one
}

// find is of finder.
func (p *pull) find(mid, codec string) *forward.Stream {
	for _, one := range p.streams {
		if one.MID == mid && one.Codec == codec {
			return one.stream
		}
	}
	return nil
}

// tapped, descriptions, numbered and wants are of source.
func (p *pull) tapped() *taps { return &p.taps }

func (p *pull) descriptions() (all []description) {
	for _, one := range p.streams {
		all = append(all, description{one.number, one.MID, one.Codec, one.stream.Config()})
	}
	return all
}

func (p *pull) numbered(number uint32) *flow {
	for _, one := range p.streams {
		if one.number == number {
			return &one.flow
		}
	}
	return nil
}

func (p *pull) wants(m *mirror, number uint32, w mirrorWants) {
	if m.wanted == nil {
		m.wanted = map[uint32]mirrorWants{}
	}
	m.wanted[number] = w
	p.demand()
}

// heard is of finder.
func (p *pull) heard() { p.demand() }

// demand tells the other node what is wanted, in all shards.
func (p *pull) demand() {
	if !p.up {
		return
	}
	d := RelayDemand{Messages: len(p.listeners) > 0}
	for _, m := range p.taps.mirrors {
		d.Messages = d.Messages || m.wanted[anyMessages].layers != 0
	}
	for _, one := range p.streams {
		w := RelayWanted{Number: one.far, Layers: one.stream.WantedLayers(), Held: held(one.stream)}
		for _, m := range p.taps.mirrors {
			theirs := m.wanted[one.number]
			w.Layers |= theirs.layers
			for layer := range one.Layers {
				if nothing, _ := one.stream.Holds(layer); nothing == 0 { // what is here already will be copied to them
					w.Held[layer] = earlier(w.Held[layer], theirs.held[layer])
				}
			}
		}
		if w.Layers == 0 {
			continue
		}
		d.Streams = append(d.Streams, w)
	}
	p.demands.set(d)
}

// held is what of a stream need not be sent once more.
func held(s *forward.Stream) (all [forward.MaxLayers]RelayHeld) {
	for layer := range s.Layers() {
		all[layer].First, all[layer].Highest = s.Lacks(layer)
	}
	return all
}

// earlier is of what two hold of the same source that which ends first; those who have nothing begin anew, whatever comes.
func earlier(a, b RelayHeld) RelayHeld {
	if a.First == 0 || b.First == a.First && b.Highest < a.Highest {
		return b
	}
	return a
}

// RequestKeyframe is of forward.Upstream.
func (one *pulled) RequestKeyframe(ssrc uint32) (sent bool) {
	if one.pull.up {
		one.pull.demands.keyframe(RelayKeyframe{one.far, ssrc})
	}
	return one.pull.up
}

// SendNACK is of forward.Upstream, and not called for a replica.
func (one *pulled) SendNACK(uint32, []uint16) {}

// Relayed is of transport.RelayHandler.
func (p *pull) Relayed(number uint64, b []byte, now time.Duration) {
	m, ok := relay.Parse(b)
	if !ok {
		p.shard.worker.DropRelayed()
		return
	}
	p.heardAt = now
	p.missing.Came(number, now)
	if m.Repeats != 0 {
		p.missing.Repeated(m.Repeats, m.Kind == relay.Gone, now)
	}
	if !p.receive(&m, now) {
		p.shard.worker.DropRelayed()
	}
	if p.missing.Waiting() && !p.lacks {
		p.lacks = true
		p.shard.lacking = append(p.shard.lacking, p)
	}
}

// receive is false of what makes no sense.
func (p *pull) receive(m *relay.Message, now time.Duration) bool {
	switch m.Kind {
	case relay.Time:
		if len(m.Body) != 8 {
			return false
		}
		p.clock.Sample(time.Duration(binary.BigEndian.Uint64(m.Body)), now)
	case relay.Packet, relay.State:
		one := p.farNumbered(m.Stream)
		if one == nil {
			return true // it has been there
		}
		if m.Kind == relay.State {
			offset, _ := p.clock.Offset()
			return one.stream.ReceiveState(m.Body, offset, now) == nil
		}
		if sent, ok := forward.PacketArrival(m.Body); ok && m.Repeats == 0 {
			p.clock.Sample(sent, now)
		}
		offset, _ := p.clock.Offset()
		if one.stream.ReceivePacket(m.Body, offset, now) != nil {
			return false
		}
		one.received(now)
	case relay.Gone:
	default:
		return false
	}
	return true
}

func (p *pull) farNumbered(number uint32) *pulled {
	for _, one := range p.streams {
		if one.far == number {
			return one
		}
	}
	return nil
}

// repair asks for what is missing, and looks again until it is there.
func (p *pull) repair(now time.Duration) {
	if p.out == nil {
		return
	}
	p.nacks = p.missing.Due(p.nacks[:0], now)
	if len(p.nacks) > 0 {
		p.out.Send(relay.AppendNACK(relay.AppendHead(p.out.Buffer(), relay.NACK, 0, 0), p.nacks))
	}
	if p.missing.Waiting() && !p.repairs.IsSet() {
		p.repairs.Set(now + relay.RetryAfter)
	}
	p.count()
}

// count adds to the node's counters.
func (p *pull) count() {
	c := &p.shard.node.relays
	c.lost.Add(p.missing.Lost)
	c.repaired.Add(p.missing.Repaired)
	p.missing.Lost, p.missing.Repaired = 0, 0
}
