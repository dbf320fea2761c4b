package node

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// Observer hears of peers what event handlers want to know, beside what Events is told. Observe is called on the worker's
// goroutine, in order, and must not wait.
type Observer interface {
	Observe(id PeerID, opaqueID string, o Observation)
}

// Observation is one of the types below.
type Observation interface{ observation() }

// Gathered are our candidates, without "candidate:".
type Gathered struct{ Candidates []string }

// ICE is a state by Janus's names: gathering, connecting, connected, ready or failed.
type ICE struct{ State string }

// Selected is where media goes from now on.
type Selected struct {
	Local, Remote netip.AddrPort
	TCP           bool
}

// DTLS is a state by Janus's names: trying, connected or failed.
type DTLS struct{ State string }

// Statistics are of all media of a peer, each layer by itself.
type Statistics struct {
	Media []MediaStatistics
	Data  *DataStatistics // nil without data channels
}

// DataStatistics are of the m= section of the data channels.
type DataStatistics struct {
	MID     string
	Index   int
	Traffic transport.DataTraffic
}

// MediaStatistics are of one m= section, or of one simulcast layer of it. What is sent counts with the lowest.
type MediaStatistics struct {
	MID       string
	Index     int // of the m= section
	Video     bool
	Layer     int
	Codec     string // Janus's name
	ClockRate uint32

	Inbound       forward.LayerStats
	Outbound      forward.LegStats
	InboundBytes  uint64 // since the last statistics
	OutboundBytes uint64
	InboundLoss   float64 // share of the packets of that time that did not come, 0 to 1
	Unrepaired    float64 // likewise, and did not come later either
}

func (Gathered) observation()   {}
func (ICE) observation()        {}
func (Selected) observation()   {}
func (DTLS) observation()       {}
func (Statistics) observation() {}

func (p *peer) observe(o Observation) {
	if p.node.cfg.Observer != nil {
		p.node.cfg.Observer.Observe(p.id, p.opaqueID, o)
	}
}

// Selected is what transport tells of the path that it sends on.
func (p *peer) Selected(remote netip.AddrPort, tcp bool) {
	if p.times.Reached.IsZero() {
		p.times.Reached = time.Now()
	}
	if p.node.cfg.Observer == nil {
		return
	}
	p.progress.pair = &Selected{Local: localAddress(p.conn.Candidates(), remote, tcp), Remote: remote, TCP: tcp}
	p.tellPair()
}

// lost tells which part of the connection has failed, if one has.
func (p *peer) lost(reason string) {
	switch {
	case reason == "ICE failed":
		p.observe(ICE{"failed"})
	case !p.up && strings.HasPrefix(reason, "DTLS"):
		p.observe(DTLS{"failed"})
	}
}

// localAddress is our candidate for a protocol and address family: a node has one port for all. It is zero if none fits.
func localAddress(candidates []string, remote netip.AddrPort, tcp bool) netip.AddrPort {
	for _, candidate := range candidates {
		f := strings.Fields(candidate)
		if len(f) < 6 || strings.EqualFold(f[2], "tcp") != tcp {
			continue
		}
		ip, err := netip.ParseAddr(f[4])
		if err != nil || ip.Is4() != remote.Addr().Is4() {
			continue
		}
		if port, err := strconv.ParseUint(f[5], 10, 16); err == nil {
			return netip.AddrPortFrom(ip, uint16(port))
		}
	}
	return netip.AddrPort{}
}

// counted is what statistics have told of one layer.
type counted struct {
	in  forward.LayerStats
	out forward.LegStats
}

// countedKey names a layer.
type countedKey struct {
	index, layer int
}

// tellStatistics observes all media, if it is time to: a last time when the peer ends.
func (p *peer) tellStatistics(last bool) {
	every := p.node.cfg.StatsEvery
	if p.node.cfg.Observer == nil || every == 0 || !p.up {
		return
	}
	p.statsDue += time.Second
	if p.statsDue < every && !last {
		return
	}
	p.statsDue = 0
	if p.counted == nil {
		p.counted = map[countedKey]counted{}
	}
	var all []MediaStatistics
	for _, s := range p.sections() {
		for layer := range max(1, len(s.Inbound)) {
			one := MediaStatistics{
				MID: s.MID, Index: s.Index, Video: s.Kind == sdp.Video, Layer: layer,
				Codec: s.Codec, ClockRate: codec.Parse(s.Codec).ClockRate(),
			}
			if layer < len(s.Inbound) {
				one.Inbound = s.Inbound[layer].Stats
			}
			if layer == 0 {
				one.Outbound = s.Stats
			}
			key := countedKey{s.Index, layer}
			one.since(p.counted[key])
			p.counted[key] = counted{one.Inbound, one.Outbound}
			all = append(all, one)
		}
	}
	if data := p.dataStatistics(); len(all) > 0 || data != nil {
		p.observe(Statistics{all, data})
	}
}

func (p *peer) dataStatistics() *DataStatistics {
	for i, s := range p.publishing.offered {
		if s.Kind == sdp.Data && !s.Refused {
			return &DataStatistics{s.MID, i, p.conn.DataTraffic()}
		}
	}
	for i, s := range p.subscribing.slots {
		if s.kind == sdp.Data && s.ready {
			return &DataStatistics{s.mid, i, p.conn.DataTraffic()}
		}
	}
	return nil
}

// since fills in what is of the time since the last statistics. Counters that began anew count from 0.
func (s *MediaStatistics) since(then counted) {
	if s.Inbound.Packets < then.in.Packets || s.Inbound.SSRC != then.in.SSRC {
		then.in = forward.LayerStats{}
	}
	if s.Outbound.Packets < then.out.Packets {
		then.out = forward.LegStats{}
	}
	s.InboundBytes, s.OutboundBytes = s.Inbound.Bytes-then.in.Bytes, s.Outbound.Bytes-then.out.Bytes
	came, lost := s.Inbound.Packets-then.in.Packets, s.Inbound.Lost-then.in.Lost
	if expected := came + lost; expected > 0 && s.Inbound.Lost >= then.in.Lost {
		s.InboundLoss = float64(lost) / float64(expected)
		if repaired := s.Inbound.Recovered - then.in.Recovered; repaired < lost {
			s.Unrepaired = float64(lost-repaired) / float64(expected)
		}
	}
}
