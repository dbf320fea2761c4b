package node

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/speakers"
)

// inbound is one m= section of audio or video that a publisher sends.
type inbound struct {
	flow
	publisher *publisher
	agreed    sdp.Stream
	codec     codec.Codec
	layers    int
	delay     playoutDelay
	media     [forward.MaxLayers]uint32 // SSRC by layer; 0 if not known
	repair    [forward.MaxLayers]uint32 // of RTX
	receiving [forward.MaxLayers]bool
	lost      uint64 // at the last count
	bytes     [forward.MaxLayers]perSecond
	speaker   *speakers.Speaker // nil if its loudness does not matter
	recorder  *recorder         // nil if it is not recorded
}

func newInbound(pub *publisher, agreed *sdp.Stream, t Terms, now time.Duration) *inbound {
	in := &inbound{publisher: pub, agreed: *agreed, codec: codec.Parse(agreed.Format.Codec), layers: 1}
	if agreed.Simulcast {
		in.layers = len(agreed.SSRCs)
		if len(agreed.RIDs) > 0 {
			in.layers = len(agreed.RIDs)
		}
	}
	in.start(pub.peer.shard, forward.NewStream(forward.StreamConfig{
		Codec: in.codec, Layers: in.layers, SVC: svc(agreed), Opaque: t.E2EE, NACK: agreed.Feedback("nack"),
		KeyframeEvery: time.Duration(t.KeyframeEvery) * time.Second,
		NoMedia:       pub.peer.node.noMedia, Talk: t.Talk, Clock: &pub.clock,
		Upstream: pub.upstream(), Observer: in,
	}), now)
	pub.streamsMade++
	in.number, in.taps = pub.streamsMade, &pub.taps
	if !in.video() && t.Loudest > 0 {
		in.speaker = pub.peer.node.audiences.Join(t.Audience, int(t.Loudest))
	}
	return in
}

// svc is true for what may carry several layers in one stream, which its packets tell: VP9 always may. A stream of one
// layer is one that has a single spatial and temporal layer.
func svc(agreed *sdp.Stream) bool {
	layered := agreed.Format.Codec == "vp9" || agreed.Format.Codec == "av1" && agreed.IDs.DependencyDescriptor != 0
	return layered && !agreed.Simulcast
}

// update takes what a renegotiation may change, and makes announced SSRCs known.
func (in *inbound) update(agreed *sdp.Stream) {
	in.agreed = *agreed
	if len(agreed.RIDs) > 0 {
		return // SSRCs are learnt
	}
	for layer := range min(in.layers, len(agreed.SSRCs)) {
		ssrc := agreed.SSRCs[layer]
		in.learn(ssrc, layer, false)
		if rtx := agreed.Repair[ssrc]; rtx != 0 && agreed.RTX != nil {
			in.learn(rtx, layer, true)
		}
	}
}

// learn makes ssrc the one of a layer, in the place of the one before.
func (in *inbound) learn(ssrc uint32, layer int, rtx bool) route {
	known := &in.media[layer]
	if rtx {
		known = &in.repair[layer]
	}
	if *known != ssrc {
		in.unlearn(*known)
	}
	*known = ssrc
	r := route{in: in, layer: layer, rtx: rtx}
	in.publisher.routes[ssrc] = r
	return r
}

// unlearn drops the route of an SSRC, unless the endpoint has given it to another of its streams since.
func (in *inbound) unlearn(ssrc uint32) {
	if routes := in.publisher.routes; routes[ssrc].in == in {
		delete(routes, ssrc)
	}
}

// forgetSources drops the routes of all that the stream came with.
func (in *inbound) forgetSources() {
	for layer, ssrc := range in.media {
		in.unlearn(ssrc)
		in.unlearn(in.repair[layer])
	}
}

// layerOf returns the layer of a rid: the first listed is the highest, unless the endpoint says otherwise.
func (in *inbound) layerOf(rid []byte) (int, bool) {
	for i, known := range in.agreed.RIDs {
		if known != string(rid) {
			continue
		}
		if in.publisher.lowestFirst {
			return i, true
		}
		return in.layers - 1 - i, true
	}
	return 0, false
}

// identify finds out what an unknown SSRC is, by its mid and rid header extensions.
func (in *inbound) identify(p *packet.Packet) (route, bool) {
	rtx := in.agreed.RTX != nil && p.PayloadType == *in.agreed.RTX
	if len(in.agreed.RIDs) == 0 {
		if in.layers > 1 {
			return route{}, false // layers are known by their announced SSRCs alone
		}
		return in.learn(p.SSRC, 0, rtx), true
	}
	rid := p.Ext.RID
	if rtx && p.Ext.Present.Has(packet.HasRepairedRID) {
		rid = p.Ext.RepairedRID
	}
	layer, ok := in.layerOf(rid)
	if !ok {
		return route{}, false
	}
	return in.learn(p.SSRC, layer, rtx), true
}

func (in *inbound) receive(r route, p *packet.Packet) {
	switch {
	case r.rtx:
		p.Ext.Present &^= packet.HasMID | packet.HasRepairedRID
		in.stream.ReceiveRTX(r.layer, p)
	case p.PayloadType == in.agreed.Format.PayloadType:
		in.stream.Receive(r.layer, p)
	case in.agreed.RED != nil && p.PayloadType == *in.agreed.RED:
		in.stream.ReceiveRED(r.layer, p, in.agreed.Format.PayloadType)
	default:
		return // not a payload that was agreed on
	}
	if in.speaker != nil && in.stream.Relaying() && p.Ext.Present.Has(packet.HasAudioLevel) { // others are heard always
		in.stream.SetQuiet(!in.speaker.Speak(p.Ext.AudioLevel.Level, p.Arrival))
	}
	in.received(p.Arrival)
}

func (in *inbound) video() bool { return in.agreed.Kind == sdp.Video }

// Receiving is of forward.StreamObserver.
func (in *inbound) Receiving(layer int, receiving bool) {
	in.receiving[layer] = receiving
	e := MediaState{MID: in.agreed.MID, Video: in.video(), Substream: -1, Receiving: receiving}
	if in.layers > 1 {
		e.Substream = layer
	}
	if timer := in.publisher.peer.node.noMedia(); !receiving && timer > time.Second {
		e.Seconds = uint32(timer / time.Second)
	}
	in.publish(e)
}

// Talking is of forward.StreamObserver.
func (in *inbound) Talking(talking bool, level float64) {
	in.publish(Talking{MID: in.agreed.MID, Talking: talking, Level: level})
}

// publish tells roomstate. Nobody there waits for media of a publisher without a handle.
func (in *inbound) publish(e Event) {
	p := in.publisher.peer
	if _, ok := e.(MediaState); ok && in.publisher.remote != nil {
		return
	}
	p.node.cfg.Events.Publish(p.id, e)
}

// close ends the stream: legs lose their source, and what was receiving no longer does.
func (in *inbound) close(now time.Duration) {
	if in.speaker != nil {
		in.speaker.Leave()
	}
	in.stopRecording(now)
	in.publisher.endForwards(in, now)
	in.publisher.leaveRemotes(in)
	in.stop(now)
	in.forgetSources()
	if !in.publisher.peer.closed {
		for layer, receiving := range in.receiving {
			if receiving {
				in.Receiving(layer, false)
			}
		}
	}
}
