package forward

import "time"

// Burst is what one burst brought to a stream, and how the stream is then, for replicas of it: streams whose source
// is not a publisher but another stream. Extended sequence numbers, timestamps and arrivals stay the origin's; what is
// lost is asked for by the origin alone, and follows when it has come. A Burst's buffers are used again.
type Burst struct {
	relaying bool
	quiet    bool
	clock    PublisherClock
	layers   [MaxLayers]layerState
	packets  []copied
	bytes    []byte // of all packets, one after another: payload, then dependency descriptor
}

// layerState is what a replica has to know of a layer, apart from its packets.
type layerState struct {
	ssrc    uint32
	first   uint64
	srNTP   uint64
	srTS    uint32
	srKnown bool
}

// copied is a packet.
type copied struct {
	slot    slot // without what is in bytes
	layer   int
	payload int // bytes
	end     int // of what it has in bytes
}

// Packets is how many there are.
func (b *Burst) Packets() int { return len(b.packets) }

// CopyBurst makes b what has come since the last Flush.
func (s *Stream) CopyBurst(b *Burst) {
	s.begin(b)
	s.addBurst(b)
}

func (s *Stream) addBurst(b *Burst) {
	for i := range s.layers {
		for _, seq := range s.layers[i].burst {
			b.add(i, s.layers[i].ring.get(seq))
		}
	}
}

// CopyPast makes b what a new replica's legs may begin with: of each layer the newest key frame and all that follows, if
// that is of use; see Leg.beginInPast. What a burst brings as well does no harm. It reports whether there is anything.
func (s *Stream) CopyPast(b *Burst, now time.Duration) bool {
	s.begin(b)
	for i := range s.layers {
		y := &s.layers[i]
		if s.cfg.Codec.Audio() || y.past(now) == nil {
			continue
		}
		for seq := y.keyframe; seq <= y.highest; seq++ {
			b.add(i, y.ring.get(seq))
		}
	}
	return len(b.packets) > 0
}

// begin empties b and notes how the stream is.
func (s *Stream) begin(b *Burst) {
	b.relaying, b.quiet, b.clock = s.relaying, s.quiet, *s.cfg.Clock
	b.packets, b.bytes = b.packets[:0], b.bytes[:0]
	for i := range s.layers {
		y := &s.layers[i]
		b.layers[i] = layerState{y.stats.SSRC, y.first, y.srNTP, y.srTS, y.srKnown}
	}
}

// add copies a packet; nil is one so late that it has had to give way already.
func (b *Burst) add(layer int, t *slot) {
	if t == nil {
		return
	}
	b.bytes = append(append(b.bytes, t.payload...), t.dependencies...)
	b.packets = append(b.packets, copied{slot: *t, layer: layer, payload: len(t.payload), end: len(b.bytes)})
	c := &b.packets[len(b.packets)-1].slot
	c.payload, c.dependencies, c.ext.DependencyDescriptor = nil, nil, nil
}

// Pending is how many packets have come since the last Flush.
func (s *Stream) Pending() (n int) {
	for i := range s.layers {
		n += len(s.layers[i].burst)
	}
	return n
}

// Replica returns what a replica of a stream made with c is made with. up gets its requests for key frames, which are
// for RequestKeyframeFor at the origin. clock is shared by the replicas of one publisher's streams.
func (c StreamConfig) Replica(up Upstream, clock *PublisherClock) StreamConfig {
	c.NACK, c.KeyframeEvery, c.NoMedia, c.Talk = false, 0, nil, Talk{}
	c.Clock, c.Upstream, c.Observer, c.Wanted = clock, up, nobody{}, nil
	return c
}

// Config returns what the stream was made with.
func (s *Stream) Config() StreamConfig { return s.cfg }

// nobody observes a replica: the origin tells.
type nobody struct{}

func (nobody) Receiving(int, bool)   {}
func (nobody) Talking(bool, float64) {}

// ReceiveBurst takes a burst of the origin's, in the order of CopyBurst. b is only lent. It is for replicas, which
// get nothing by Receive, ReceiveRTX and SenderReport.
func (s *Stream) ReceiveBurst(b *Burst, now time.Duration) {
	s.SetRelay(b.relaying, now)
	s.SetQuiet(b.quiet)
	*s.cfg.Clock = b.clock
	start := 0
	for i := range b.packets {
		c := &b.packets[i]
		payload, dependencies := b.bytes[start:start+c.payload], b.bytes[start+c.payload:c.end]
		s.layers[c.layer].receiveCopy(&c.slot, payload, dependencies, &b.layers[c.layer], s.burst, s.size)
		start = c.end
	}
	for i := range s.layers {
		y, state := &s.layers[i], &b.layers[i]
		if y.first == state.first {
			y.srNTP, y.srTS, y.srKnown = state.srNTP, state.srTS, state.srKnown
		}
		if y.keyframes.wanted {
			s.askKeyframe(y, now)
		}
	}
}

// receiveCopy takes one packet of the origin's.
func (y *layer) receiveCopy(from *slot, payload, dependencies []byte, state *layerState, burst uint32, size ringSize) {
	if y.highest == 0 || y.first != state.first {
		if y.highest == 0 {
			y.keyframes.latest = from.arrival
		}
		y.begin(state.ssrc, state.first)
		y.highest = max(from.seq, state.first) - 1 // the origin may have begun long ago
	}
	if !y.useful(from.seq) {
		return
	}
	y.follow(from.seq, from.arrival, false)
	y.stats.Packets++
	y.stats.Bytes += uint64(len(payload))
	y.stats.LastPacket = from.arrival
	t := y.ring.put(from.seq, from.arrival, payload, size)
	own, ownDependencies := t.payload, append(t.dependencies[:0], dependencies...)
	*t = *from
	t.payload, t.dependencies, t.burst = own, ownDependencies, burst
	t.ext.DependencyDescriptor = ownDependencies
	y.rates.count(&t.desc, len(payload), from.arrival)
	if t.desc.Keyframe {
		y.noteKeyframe(t)
	}
	y.addToBurst(from.seq)
}

// RequestKeyframeFor passes on what a replica wants of the layer that has this SSRC; see RequestKeyframe.
func (s *Stream) RequestKeyframeFor(ssrc uint32, now time.Duration) {
	for i := range s.layers {
		if y := &s.layers[i]; y.highest != 0 && y.stats.SSRC == ssrc {
			s.requestKeyframe(i, now)
		}
	}
}
