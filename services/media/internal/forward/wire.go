package forward

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// A stream of another node is a replica, too. What a Burst carries within a node goes between nodes as single packets, each
// in a datagram, and the state beside them when it has changed. All numbers are in network order.

var errWire = errors.New("malformed packet of another node")

// wireHeader is what comes before the header extensions, in bytes: flags, layer, SSRC, extended sequence number, that of the
// source's first packet, timestamp, arrival, where RED's payload begins, descriptor, header extensions.
const wireHeader = 1 + 1 + 4 + 8 + 8 + 4 + 8 + 2 + codec.DescriptorBytes + 2

const (
	wireMarker     = 1 << iota
	wireTimeOffset // abs-capture-time has an offset
)

// wired are the header extensions that go to other nodes.
const wired = carried | packet.HasDependencyDescriptor

// Received returns the extended sequence numbers of what a layer has received since the last Flush, ascending. They are
// valid until then.
func (s *Stream) Received(layer int) []uint64 { return s.layers[layer].burst }

// Open reports whether legs get what arrives: the stream is relayed, and not quiet.
func (s *Stream) Open() bool { return s.relaying && !s.quiet }

// Holds returns the first packet of the source that sends a layer, and the newest; 0 for none.
func (s *Stream) Holds(layer int) (first, highest uint64) {
	return s.layers[layer].first, s.layers[layer].highest
}

// Lacks returns what Holds does; of a replica that has nothing of a layer yet, up to where its legs have got it from elsewhere.
func (s *Stream) Lacks(layer int) (first, after uint64) {
	if y := &s.layers[layer]; y.highest != 0 {
		return y.first, y.highest
	}
	for _, l := range s.legs {
		if l.relays() != layer || l.epoch == 0 || l.top == 0 || first != 0 && l.epoch != first {
			continue
		}
		if first == 0 || l.top < after {
			first, after = l.epoch, l.top
		}
	}
	return first, after
}

// relays returns the layer that the leg relays, or will as soon as its state has come.
func (l *Leg) relays() int {
	if l.expected {
		return l.expectedOn
	}
	return l.choice.current
}

// From returns the first packet that a replica of a layer is to get which begins, or begins again: what follows on what it
// has, if that is of the same source and little is missing, else the newest key frame, if that is of use, else what comes
// next. It asks for a key frame where that is what it needs.
func (s *Stream) From(layer int, first, highest uint64, now time.Duration) uint64 {
	y := &s.layers[layer]
	if y.highest == 0 {
		return 0
	}
	s.hurry(now)
	if first == y.first && highest >= y.first {
		if highest >= y.highest { // the publisher has just come, and what it sent to the node before is there already
			return y.highest + 1
		}
		if y.highest-highest <= maxMissing {
			return highest + 1
		}
	}
	if !s.cfg.Codec.Audio() {
		if y.past(now) != nil {
			return y.keyframe
		}
		s.requestKeyframe(layer, now)
	}
	return y.highest + 1
}

// AppendPacket appends a packet of a layer, for ReceivePacket. It returns nil if the packet is not held.
func (s *Stream) AppendPacket(b []byte, layer int, seq uint64) []byte {
	y := &s.layers[layer]
	t := y.ring.get(seq)
	if t == nil {
		return nil
	}
	var flags byte
	if t.marker {
		flags |= wireMarker
	}
	if t.ext.AbsCaptureTime.HasOffset {
		flags |= wireTimeOffset
	}
	b = append(b, flags, byte(layer))
	b = binary.BigEndian.AppendUint32(b, y.stats.SSRC)
	b = binary.BigEndian.AppendUint64(b, t.seq)
	b = binary.BigEndian.AppendUint64(b, y.first)
	b = binary.BigEndian.AppendUint32(b, t.ts)
	b = binary.BigEndian.AppendUint64(b, uint64(t.arrival))
	b = binary.BigEndian.AppendUint16(b, t.red)
	b = t.desc.Append(b)
	b = appendExtensions(b, &t.ext, t.dependencies)
	return append(b, t.payload...)
}

func appendExtensions(b []byte, e *packet.Extensions, dependencies []byte) []byte {
	present := e.Present & wired
	if len(dependencies) == 0 || len(dependencies) > 255 {
		present &^= packet.HasDependencyDescriptor
	}
	b = binary.BigEndian.AppendUint16(b, uint16(present))
	if present.Has(packet.HasAudioLevel) {
		level := e.AudioLevel.Level
		if e.AudioLevel.Voice {
			level |= 0x80
		}
		b = append(b, level)
	}
	if present.Has(packet.HasVideoOrientation) {
		b = append(b, e.VideoOrientation)
	}
	if present.Has(packet.HasPlayoutDelay) {
		b = binary.BigEndian.AppendUint16(b, e.PlayoutDelay.Min)
		b = binary.BigEndian.AppendUint16(b, e.PlayoutDelay.Max)
	}
	if present.Has(packet.HasAbsCaptureTime) {
		b = binary.BigEndian.AppendUint64(b, e.AbsCaptureTime.NTP)
		if e.AbsCaptureTime.HasOffset {
			b = binary.BigEndian.AppendUint64(b, uint64(e.AbsCaptureTime.Offset))
		}
	}
	if present.Has(packet.HasDependencyDescriptor) {
		b = append(append(b, byte(len(dependencies))), dependencies...)
	}
	return b
}

// ReceivePacket takes a packet of the origin's, as AppendPacket wrote it. offset is this node's clock minus the origin's. b is
// only lent. It is for replicas, as ReceiveBurst is; an error is of what no origin writes.
func (s *Stream) ReceivePacket(b []byte, offset, now time.Duration) error {
	if len(b) < wireHeader || int(b[1]) >= len(s.layers) {
		return errWire
	}
	flags, layer := b[0], int(b[1])
	state := layerState{ssrc: binary.BigEndian.Uint32(b[2:]), first: binary.BigEndian.Uint64(b[14:])}
	t := &s.incoming
	*t = slot{
		seq: binary.BigEndian.Uint64(b[6:]), ts: binary.BigEndian.Uint32(b[22:]), marker: flags&wireMarker != 0,
		arrival: min(time.Duration(binary.BigEndian.Uint64(b[26:]))+offset, now), red: binary.BigEndian.Uint16(b[34:]),
	}
	descriptor := b[36:]
	present := packet.Set(binary.BigEndian.Uint16(descriptor[codec.DescriptorBytes:]))
	payload, dependencies, ok := readExtensions(&t.ext, present, flags&wireTimeOffset != 0, b[wireHeader:])
	const last = 1 << 62 // of what numbers are credible
	if !ok || present&^wired != 0 || !s.isRED(payload, int(t.red)) || !t.desc.ReadDescriptor(descriptor, len(payload)-int(t.red)) ||
		t.seq == 0 || t.seq > last || state.first == 0 || state.first > last || len(payload) > packet.MaxSize || t.arrival <= 0 {
		return errWire
	}
	if t.ext.AbsCaptureTime.HasOffset {
		t.ext.AbsCaptureTime.Offset -= packet.FixedPoint(offset)
	}
	y := &s.layers[layer]
	y.receiveCopy(t, payload, dependencies, &state, s.burst, s.size)
	if y.keyframes.wanted {
		s.askKeyframe(y, now)
	}
	return nil
}

// isRED is true of a payload whose own begins there behind redundancy (RFC 2198), and of any that has none: primary is 0 then.
func (s *Stream) isRED(payload []byte, primary int) bool {
	if primary == 0 {
		return true
	}
	if primary > len(payload) {
		return false
	}
	blocks, begins, err := codec.ParseRED(payload, payload[0]&0x7f, s.blocks[:0])
	s.blocks = blocks[:0]
	return err == nil && begins == primary
}

// readExtensions reads what appendExtensions wrote after present, and returns what is behind it.
func readExtensions(e *packet.Extensions, present packet.Set, timeOffset bool, b []byte) (rest, dependencies []byte, ok bool) {
	e.Present = present
	take := func(n int) []byte {
		if len(b) < n {
			ok, b = false, nil
			return make([]byte, n)
		}
		head := b[:n]
		b = b[n:]
		return head
	}
	ok = true
	if present.Has(packet.HasAudioLevel) {
		level := take(1)[0]
		e.AudioLevel = packet.AudioLevel{Level: level & 0x7f, Voice: level&0x80 != 0}
	}
	if present.Has(packet.HasVideoOrientation) {
		e.VideoOrientation = take(1)[0]
	}
	if present.Has(packet.HasPlayoutDelay) {
		delay := take(4)
		e.PlayoutDelay = packet.PlayoutDelay{Min: binary.BigEndian.Uint16(delay), Max: binary.BigEndian.Uint16(delay[2:])}
	}
	if present.Has(packet.HasAbsCaptureTime) {
		e.AbsCaptureTime = packet.AbsCaptureTime{NTP: binary.BigEndian.Uint64(take(8)), HasOffset: timeOffset}
		if timeOffset {
			e.AbsCaptureTime.Offset = int64(binary.BigEndian.Uint64(take(8)))
		}
	}
	if present.Has(packet.HasDependencyDescriptor) {
		dependencies = take(int(take(1)[0]))
	}
	return b, dependencies, ok
}

// State of a stream between nodes: flags, the publisher's clock, and of each layer what layerState has.
const (
	wireRelaying = 1 << iota
	wireQuiet
	wireClock

	wireStateHeader = 1 + 8 + 1
	wireLayerState  = 4 + 8 + 8 + 4 + 1
)

// AppendState appends how the stream is, apart from its packets, for ReceiveState.
func (s *Stream) AppendState(b []byte) []byte {
	var flags byte
	if s.relaying {
		flags |= wireRelaying
	}
	if s.quiet {
		flags |= wireQuiet
	}
	if s.cfg.Clock.known {
		flags |= wireClock
	}
	b = binary.BigEndian.AppendUint64(append(b, flags), uint64(s.cfg.Clock.offset))
	b = append(b, byte(len(s.layers)))
	for i := range s.layers {
		y := &s.layers[i]
		b = binary.BigEndian.AppendUint32(b, y.stats.SSRC)
		b = binary.BigEndian.AppendUint64(b, y.first)
		b = binary.BigEndian.AppendUint64(b, y.srNTP)
		b = binary.BigEndian.AppendUint32(b, y.srTS)
		known := byte(0)
		if y.srKnown {
			known = 1
		}
		b = append(b, known)
	}
	return b
}

// ReceiveState takes what AppendState wrote. See ReceivePacket.
func (s *Stream) ReceiveState(b []byte, offset, now time.Duration) error {
	if len(b) != wireStateHeader+len(s.layers)*wireLayerState || int(b[9]) != len(s.layers) {
		return errWire
	}
	flags := b[0]
	*s.cfg.Clock = PublisherClock{}
	if flags&wireClock != 0 {
		*s.cfg.Clock = PublisherClock{offset: time.Duration(binary.BigEndian.Uint64(b[1:])) + offset, known: true}
	}
	s.SetQuiet(flags&wireQuiet != 0)
	s.SetRelay(flags&wireRelaying != 0, now)
	for i := range s.layers {
		y, b := &s.layers[i], b[wireStateHeader+i*wireLayerState:]
		if y.highest != 0 && y.first == binary.BigEndian.Uint64(b[4:]) {
			y.srNTP, y.srTS, y.srKnown = binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint32(b[20:]), b[24] != 0
		}
	}
	return nil
}

// PacketArrival reads when a packet, as AppendPacket wrote it, had come to its origin, on that node's clock.
func PacketArrival(b []byte) (time.Duration, bool) {
	if len(b) < wireHeader {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint64(b[26:])), true
}
