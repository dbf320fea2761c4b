package forward

import (
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// Sender takes the packets of one subscriber's legs.
type Sender interface {
	// Buffer returns a slice of length 0 and a capacity of at least packet.MaxSize plus 100 bytes, in which the leg
	// writes its next packet. It may be dropped unused.
	Buffer() []byte
	// SendRTP sends a packet in plaintext. The leg wrote its header, extensions included, into the last Buffer, and no
	// longer uses it. The payload is either behind the header there, or it is shared with others and stays as it is.
	SendRTP(header, payload []byte)
	// NextTransportSeq returns the next transport-wide sequence number of the subscriber's connection. It is asked
	// once for each packet that carries it, just before SendRTP.
	NextTransportSeq(now time.Duration) uint16
}

// LegObserver hears which layers a leg relays. Calls are made on change only, with the layer that is relayed now.
type LegObserver interface {
	// SubstreamChanged and TemporalChanged are told of simulcast streams.
	SubstreamChanged(substream int)
	TemporalChanged(temporal int)
	// SpatialLayerChanged and TemporalLayerChanged are told of SVC streams that have several of either.
	SpatialLayerChanged(spatial int)
	TemporalLayerChanged(temporal int)
}

// LegConfig is what a leg is made with: what its m= section negotiated.
type LegConfig struct {
	Codec       codec.Codec
	SSRC        uint32
	PayloadType uint8
	// RED is the payload type of redundant payloads (RFC 2198), which are passed on if it is not 0. What is inside them
	// has PayloadType.
	RED uint8
	// RTXSSRC and RTXPayloadType are of the retransmission stream (RFC 4588); both 0 if there is none.
	RTXSSRC        uint32
	RTXPayloadType uint8
	// NACK says that NACKs are answered. If there is no RTX, packets are sent again bit by bit the same, as SRTP
	// demands of a repeated sequence number; they then carry neither abs-send-time nor a transport sequence number.
	NACK       bool
	Extensions packet.ExtensionIDs
	MID        string // written into each packet, if Extensions.MID is set
	Quiet      bool   // gets what the stream has while it is quiet too (see Stream.SetQuiet)

	Sender   Sender      // must be set
	Observer LegObserver // must be set
}

// Targets are the layers that a subscriber wants, each 0 to 2, 2 being the best there is.
type Targets struct {
	Substream     int           // of simulcast
	Temporal      int           // of simulcast
	Fallback      time.Duration // silence of a layer after which the next lower is taken; 0 for 250 ms
	SpatialLayer  int           // of SVC
	TemporalLayer int           // of SVC
}

// BestLayers are the targets of a leg that has not been told others.
var BestLayers = Targets{Substream: 2, Temporal: 2, SpatialLayer: 2, TemporalLayer: 2}

// Leg is a subscriber's end of one m= section. What it sends is one continuous RTP stream, whatever it is connected
// to. See the package comment for who may call it.
type Leg struct {
	cfg          LegConfig
	ids          packet.ExtensionIDs // those written; see LegConfig.NACK
	mid          []byte
	source       *Stream              // nil while connected to nothing
	wanted       bool                 // see SetFlowing
	expected     bool                 // see Expect
	expectedOn   int                  // layer that is expected to be relayed; none for none
	flowing      bool                 // wanted, and not paused for want of room
	playoutDelay *packet.PlayoutDelay // set: instead of what the source says
	choice       choice
	history      runHistory
	since        uint64 // outgoing number at which the layer relayed now was entered
	epoch        uint64 // first sequence number of the layer's source then
	top          uint64 // highest sequence number of the layer that was relayed or left out
	adoptedAt    uint64 // what top was when the leg, or last its source, came from another node; 0 if neither did
	leftOut      uint16 // picture id of the last frame left out, while leavingOut
	leavingOut   bool
	end          tip
	likeBefore   *sameTime // set: until a layer is entered
	sentBefore   [2]uint64 // packets at the last report, and at the one before
	sentIn       uint32    // burst of the source in which something was sent last
	lowestSent   uint8     // the lowest temporal layer of that
	resends      resends
	padded       uint64 // outgoing number below which the next packet to repeat as padding is looked for
	reportedLost int32  // cumulative, as the subscriber last reported: 24 bits, signed, duplicates count against it
	stats        LegStats
}

// tip is the foremost packet sent, from which the next run goes on.
type tip struct {
	sent      bool
	last      uint64        // its outgoing sequence number, extended
	next      uint64        // the one to go on with: places behind last may be kept for packets that are late
	ts        uint32        // its outgoing timestamp
	arrival   time.Duration // when it had come from the publisher
	pictureID uint16        // its outgoing picture id
	tl0       uint8         // its outgoing TL0PICIDX
}

// sameTime is how timestamps followed from a layer's on a node that has died.
type sameTime struct {
	layer int
	epoch uint64
	ts    uint32
}

// NewLeg returns a leg that is connected to nothing and does not flow.
func NewLeg(cfg LegConfig) *Leg {
	l := &Leg{choice: newChoice(), expectedOn: none}
	// Half the range is left until the first wrap, so that both ends agree on the SRTP roll-over counter even if the
	// first packets are lost (RFC 3711, section 3.3.1).
	// Index 0 would mean that there is none.
	l.end.next = packet.FirstCycle + max(1, uint64(cfg.SSRC&0x7fff))
	l.configure(cfg)
	return l
}

func (l *Leg) configure(cfg LegConfig) {
	l.cfg, l.ids, l.mid = cfg, cfg.Extensions, []byte(cfg.MID)
	if cfg.NACK && cfg.RTXSSRC == 0 {
		l.ids.AbsSendTime, l.ids.TransportCC = 0, 0
	}
}

// Reconfigure changes what was negotiated, as an answer may: payload types and extension numbers. SSRCs, codec and
// Sender must be those of before.
func (l *Leg) Reconfigure(cfg LegConfig) {
	l.configure(cfg)
	l.forgetUnrepeatable()
}

// forgetUnrepeatable is called when packets sent so far could not be sent again just as they were.
func (l *Leg) forgetUnrepeatable() {
	if l.cfg.RTXSSRC == 0 {
		l.history.forget(l.end.next)
		l.since = l.end.next
	}
}

// Connect makes s the source, in the place of the one before. Video goes on at the next key frame, which is asked for
// if the leg flows.
func (l *Leg) Connect(s *Stream, now time.Duration) {
	l.Disconnect(now)
	l.source = s
	s.legs = append(s.legs, l)
	l.history.reset()
	l.choice.toldSubstream, l.choice.toldTemporal, l.choice.toldSpatial = none, none, none
	l.choice.spatialAt = [sublayers]time.Duration{}
	l.startAgain(now)
	s.wantedChanged()
}

// Disconnect leaves the source, if there is one.
func (l *Leg) Disconnect(now time.Duration) {
	if l.source == nil {
		return
	}
	l.source.legs = slices.DeleteFunc(l.source.legs, func(other *Leg) bool { return other == l })
	l.source.wantedChanged()
	l.source = nil
	l.leaveLayer()
}

// Move makes s the source, nil for none yet, which goes on with what the source before it had, under the same extended
// sequence numbers, on another node or no longer there. Nothing has to begin anew; if something has all the same, s tells.
// What comes late for places behind is not sent there, since s does not know what the source before had; a NACK gets it by RTX.
func (l *Leg) Move(s *Stream, now time.Duration) {
	if last := l.source; last != nil {
		last.legs = slices.DeleteFunc(last.legs, func(other *Leg) bool { return other == l })
		last.wantedChanged()
	}
	if l.choice.current != none {
		l.closePlaces()
	}
	if l.source = s; s == nil {
		return
	}
	s.legs = append(s.legs, l)
	s.hurry(now)
	s.wantedChanged()
	switch c := &l.choice; {
	case !l.flowing || !s.relaying:
	case c.current == none:
		l.startAgain(now) // who had been asked for a key frame may not be who sends now
	case c.current < len(s.layers) && s.layers[c.current].first == l.epoch:
		l.catchUpSince(&s.layers[c.current], now)
	}
}

// closePlaces has no number behind the next be used for a packet that comes late: it may have been, for the same packet with other
// header extensions, and SRTP bears no index twice.
func (l *Leg) closePlaces() {
	r := *l.history.last()
	r.src += l.end.next - r.out
	r.out = l.end.next
	l.history.start(r)
	l.since, l.adoptedAt = r.out, l.top
}

// catchUpSince relays what a layer has received since the leg got its last packet, but for the current burst: that is to come.
func (l *Leg) catchUpSince(y *layer, now time.Duration) {
	held := min(uint64(len(y.ring.slots)), y.highest)
	for seq := max(l.top+1, y.first, y.highest+1-held); seq <= y.highest; seq++ {
		if t := y.ring.get(seq); t != nil && t.burst != l.source.burst {
			l.advance(t, now)
		}
	}
}

// Source returns what the leg is connected to, or nil.
func (l *Leg) Source() *Stream { return l.source }

// SetFlowing says whether packets go out: the subscriber is up, has accepted the m= section, wants it, and has not
// paused. At first they do not. Turning it on asks for a key frame.
func (l *Leg) SetFlowing(on bool, now time.Duration) {
	l.wanted, l.expected = on, false
	l.updateFlow(now)
	if l.source != nil {
		l.source.wantedChanged()
	}
}

func (l *Leg) updateFlow(now time.Duration) {
	if on := l.wanted && !l.choice.allowed.Paused; on != l.flowing {
		l.flowing = on
		l.startAgain(now)
	}
}

// startAgain waits for a key frame of any layer.
func (l *Leg) startAgain(now time.Duration) {
	l.leaveLayer()
	if l.source == nil || !l.flowing {
		return
	}
	l.choice.wanted = l.choice.substreamNow(l.source, now)
	l.choice.asked = now
	if l.beginInPast(now) {
		return
	}
	l.source.RequestKeyframe(now)
}

// leaveLayer ends what is relayed; the next packet relayed is one that can be started at.
func (l *Leg) leaveLayer() { l.choice.current = none }

// SetTargets sets which layers the subscriber wants, and asks for a key frame where that takes one.
func (l *Leg) SetTargets(t Targets, now time.Duration) {
	l.choice.targets = t
	if l.source != nil {
		l.source.wantedChanged()
	}
	l.choose(now)
	if l.source != nil && l.climbing() {
		l.ask(0, now)
	}
}

// Unnumbered is true if packets go out without transport-wide sequence numbers.
func (l *Leg) Unnumbered() bool { return l.flowing && l.ids.TransportCC == 0 }

// SetPlayoutDelay overrides what the source says of it; nil for no override.
func (l *Leg) SetPlayoutDelay(d *packet.PlayoutDelay) {
	l.playoutDelay = d
	l.forgetUnrepeatable()
}

// RequestKeyframe passes the subscriber's PLI or FIR on, throttled; see Stream.RequestKeyframe.
func (l *Leg) RequestKeyframe(now time.Duration) {
	l.stats.PLIs++
	switch {
	case l.source == nil || !l.flowing:
	case l.choice.current == none:
		l.source.RequestKeyframe(now)
	default:
		l.source.requestKeyframe(l.choice.current, now)
	}
}

// choose looks anew which substream to get to.
func (l *Leg) choose(now time.Duration) {
	if l.source == nil || !l.flowing {
		return
	}
	c := &l.choice
	wanted := c.substreamNow(l.source, now)
	if wanted == c.wanted {
		return
	}
	c.wanted = wanted
	if c.current != wanted {
		l.ask(wanted, now)
	}
}

func (l *Leg) ask(layer int, now time.Duration) {
	if l.flowing {
		l.choice.asked = now
		l.source.requestKeyframe(layer, now)
	}
}

// tick follows layers that fall silent and return, and asks again for key frames that did not come.
func (l *Leg) tick(now time.Duration) {
	if !l.flowing || !l.source.relaying {
		return
	}
	l.choose(now)
	c := &l.choice
	if now-c.asked < askAgainAfter || !l.source.layers[c.wanted].flows(now, askAgainAfter) {
		return
	}
	if c.current != c.wanted || l.climbing() || now-l.end.arrival >= askAgainAfter {
		l.ask(c.wanted, now)
	}
}

// climbing is true while a higher spatial layer waits for a key frame.
func (l *Leg) climbing() bool {
	return l.source.cfg.SVC && l.choice.targetSpatial() > l.choice.spatial
}
