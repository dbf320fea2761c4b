package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/relay"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// relayTick is how often a relay says how far it has got, if it has got any further; so the end of a burst that is lost
// is known to be missing.
const relayTick = 200 * time.Millisecond

// relayIdle is how often it says something in any case.
const relayIdle = time.Second

// outRelay sends a publisher's feed to another node. It belongs to the publisher's shard.
type outRelay struct {
	shard    *shard
	pub      *publisher
	out      *transport.RelaySender
	in       *transport.RelayReceiver
	news     *relayNews
	streams  map[uint32]*relayed // that are wanted, by their numbers
	messages bool
	sent     relay.Sent
	told     uint64        // how far
	toldAt   time.Duration // and when
	ticks    *transport.Timer
	ended    bool
}

// relayed is what another node wants of a stream.
type relayed struct {
	layers      uint8
	state, told []byte // as it is, and as it was told; used again
}

// Relay serves a relay that another node has opened, until the feed or ctx ends.
func (n *Node) Relay(ctx context.Context, feed FeedID, far RelayEnd, line RelayLine) error {
	if open := n.relays.out.Add(1); open > int64(n.cfg.MaxRelays) {
		n.relays.out.Add(-1)
		return fault.New(fault.TooBusy, fmt.Errorf("%d relays", open-1))
	}
	defer n.relays.out.Add(-1)
	sh := n.known.origin(feed)
	if sh == nil {
		if to := n.known.movedTo(feed); to != "" {
			return line.Send(RelayNews{MovedTo: to})
		}
		return fault.New(fault.NoSuchFeed, fmt.Errorf("feed %q", feed))
	}
	key := transport.NewRelayKey()
	r, err := do(ctx, sh, func(now time.Duration) (*outRelay, error) { return sh.relay(feed, far, key, now) })
	if err != nil {
		return err
	}
	defer sh.worker.Post(func(time.Duration) { r.end("") })
	here := n.relayEnd(r.in, key)
	if err := line.Send(RelayNews{Accepted: &here}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n.tasks.Go(func() { cancel(r.hear(ctx, line)) }) // Receive ends when the caller lets go of the line
	for {
		news, err := r.news.next(ctx)
		switch {
		case errors.Is(err, errFeedEnded):
			return nil
		case err != nil:
			return context.Cause(ctx)
		}
		if err := line.Send(news); err != nil || news.MovedTo != "" {
			return err
		}
	}
}

// hear does what the other node wants, as long as it says so.
func (r *outRelay) hear(ctx context.Context, line RelayLine) error {
	for {
		d, err := line.Receive()
		if err != nil {
			return err
		}
		if err := r.shard.run(ctx, func(now time.Duration) error { return r.want(&d, now) }); err != nil {
			return err
		}
	}
}

// relay makes one.
func (sh *shard) relay(feed FeedID, far RelayEnd, key transport.RelayKey, now time.Duration) (*outRelay, error) {
	pub := sh.feeds[feed]
	if pub == nil {
		return nil, fault.New(fault.NoSuchFeed, fmt.Errorf("feed %q", feed))
	}
	r := &outRelay{shard: sh, pub: pub, news: newRelayNews(), streams: map[uint32]*relayed{}}
	var err error
	if r.out, err = sh.worker.NewRelaySender(far.Address, far.Relay, key); err != nil {
		return nil, err
	}
	r.in = sh.worker.NewRelayReceiver(r)
	if err := r.in.Use(far.Key); err != nil {
		r.in.Close()
		return nil, err
	}
	r.ticks = sh.worker.NewTimer(r.tick)
	r.ticks.Set(now + relayTick)
	pub.taps.relays = append(pub.taps.relays, r)
	r.describe()
	sh.node.log.Info("relay begins", "feed", feed, "to", far.Address)
	return r, nil
}

// describe tells which streams there are.
func (r *outRelay) describe() {
	var streams []RelayStream
	for _, d := range r.pub.descriptions() {
		streams = append(streams, RelayStream{
			Number: d.number, MID: d.mid, Codec: d.codec, Layers: d.config.Layers, SVC: d.config.SVC, Opaque: d.config.Opaque,
		})
	}
	r.news.describe(streams)
}

// want takes what the other node wants from now on.
func (r *outRelay) want(d *RelayDemand, now time.Duration) error {
	if len(d.Streams) > sdp.MaxSections || len(d.Keyframes) > maxKeyframes {
		return fault.Newf(fault.BadRequest, "%d streams, %d key frames", len(d.Streams), len(d.Keyframes))
	}
	if r.ended {
		return nil
	}
	if r.told == 0 {
		r.tell(now)
	}
	r.messages = d.Messages
	before := r.streams
	r.streams = map[uint32]*relayed{}
	for i := range d.Streams {
		w := &d.Streams[i]
		f := r.pub.numbered(w.Number)
		if f == nil || w.Layers == 0 {
			continue
		}
		one := before[w.Number]
		if one == nil {
			one = &relayed{}
		}
		r.streams[w.Number] = one
		fresh := w.Layers &^ one.layers
		one.layers = w.Layers
		r.begin(f, one, fresh, &w.Held, now)
	}
	for _, k := range d.Keyframes {
		if f := r.pub.numbered(k.Number); f != nil {
			f.stream.RequestKeyframeFor(k.SSRC, now)
		}
	}
	return nil
}

// begin sends what layers begin with.
func (r *outRelay) begin(f *flow, one *relayed, layers uint8, held *[3]RelayHeld, now time.Duration) {
	if layers == 0 {
		return
	}
	r.tellState(f, one)
	for layer := range f.stream.Layers() {
		if layers&(1<<layer) == 0 || !f.stream.Open() {
			continue
		}
		from := f.stream.From(layer, held[layer].First, held[layer].Highest, now)
		_, highest := f.stream.Holds(layer)
		for seq := from; seq != 0 && seq <= highest; seq++ {
			r.packet(f, layer, seq, 0)
		}
	}
	one.told = one.told[:0] // it is to be told once more, when there are packets that it speaks of
}

// flush sends what the current burst has brought to a stream, as far as it is wanted.
func (r *outRelay) flush(f *flow) {
	one := r.streams[f.number]
	if one == nil {
		return
	}
	if f.stream.Open() {
		for layer := range f.stream.Layers() {
			if one.layers&(1<<layer) == 0 {
				continue
			}
			for _, seq := range f.stream.Received(layer) {
				r.packet(f, layer, seq, 0)
			}
		}
	}
	r.tellState(f, one)
}

// packet sends one, in the place of a datagram if repeated is not 0. False if it is not held any more.
func (r *outRelay) packet(f *flow, layer int, seq, repeated uint64) bool {
	b := f.stream.AppendPacket(relay.AppendHead(r.out.Buffer(), relay.Packet, f.number, repeated), layer, seq)
	if b == nil {
		return false
	}
	r.send(b, relay.Item{Kind: relay.Packet, Stream: f.number, Layer: uint8(layer), Seq: seq})
	return true
}

// tellState sends how a stream is, if that has changed.
func (r *outRelay) tellState(f *flow, one *relayed) {
	one.state = f.stream.AppendState(one.state[:0])
	if !bytes.Equal(one.state, one.told) {
		r.state(f, one, 0)
	}
}

func (r *outRelay) state(f *flow, one *relayed, repeated uint64) {
	one.told = append(one.told[:0], one.state...)
	b := relay.AppendHead(r.out.Buffer(), relay.State, f.number, repeated)
	r.send(append(b, one.told...), relay.Item{Kind: relay.State, Stream: f.number})
}

// send sends a message, and takes down what it was.
func (r *outRelay) send(b []byte, what relay.Item) {
	if number := r.out.Send(b); number != 0 {
		r.sent.Note(number, what)
	}
}

// tell says what time it is, and so how far datagrams are numbered.
func (r *outRelay) tell(now time.Duration) {
	b := relay.AppendHead(r.out.Buffer(), relay.Time, 0, 0)
	r.send(binary.BigEndian.AppendUint64(b, uint64(now)), relay.Item{Kind: relay.Time})
	r.told, r.toldAt = r.out.Sent(), now
}

func (r *outRelay) tick(now time.Duration) {
	r.ticks.Set(now + relayTick)
	for number, one := range r.streams {
		if f := r.pub.numbered(number); f != nil {
			r.tellState(f, one)
		}
	}
	if r.told != 0 && (r.out.Sent() != r.told || now-r.toldAt >= relayIdle) {
		r.tell(now)
	}
}

// Relayed is of transport.RelayHandler: the other node lacks datagrams.
func (r *outRelay) Relayed(_ uint64, plain []byte, _ time.Duration) {
	m, ok := relay.Parse(plain)
	if !ok || m.Kind != relay.NACK || !relay.EachNACK(m.Body, r.again) {
		r.shard.worker.DropRelayed()
	}
}

// again sends what a datagram had, as far as it is held and wanted.
func (r *outRelay) again(number uint64) {
	r.shard.node.relays.resent.Add(1)
	what, _ := r.sent.Find(number)
	f, one := r.pub.numbered(what.Stream), r.streams[what.Stream]
	switch {
	case f == nil || one == nil:
	case what.Kind == relay.Packet && one.layers&(1<<what.Layer) != 0 && r.packet(f, int(what.Layer), what.Seq, number):
		return
	case what.Kind == relay.State:
		one.state = f.stream.AppendState(one.state[:0])
		r.state(f, one, number)
		return
	}
	r.send(relay.AppendHead(r.out.Buffer(), relay.Gone, 0, number), relay.Item{Kind: relay.Gone})
}

// message relays one of a data channel. m.Data is kept.
func (r *outRelay) message(m transport.Message) {
	if r.messages && !r.news.message(m) {
		r.shard.node.relays.messagesLost.Add(1)
	}
}

// end ends the relay; to is where the feed goes on, if it does.
func (r *outRelay) end(to string) {
	if r.ended {
		return
	}
	r.ended = true
	r.ticks.Stop()
	r.in.Close()
	t := &r.pub.taps
	t.relays = slices.DeleteFunc(t.relays, func(other *outRelay) bool { return other == r })
	r.news.end(to)
	r.shard.node.log.Info("relay ends", "feed", r.pub.id, "moved_to", to)
}
