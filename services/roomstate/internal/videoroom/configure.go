package videoroom

import (
	"encoding/json"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// configureTable is what publish and configure check of what they take. As at Janus the rest is passed over where it is
// of another type.
var configureTable = []field{
	may("audiocodec", text), may("videocodec", text), may("bitrate", positive), may("record", boolean),
	may("filename", text), may("display", text), may("metadata", dict), may("secret", text),
	may("audio_active_packets", positive),
	may("audio", boolean), may("video", boolean), may("data", boolean),
	may("descriptions", array), may("keyframe", boolean), may("update", boolean), may("restart", boolean),
}

// joinAndConfigureTable is what joinandconfigure checks besides what join does.
var joinAndConfigureTable = []field{
	may("bitrate", positive), may("record", boolean), may("filename", text),
	may("audio", boolean), may("video", boolean), may("data", boolean),
}

// streamTable is what is checked of an item of streams.
var streamTable = []field{may("mid", text), may("send", boolean), may("min_delay", integer), may("max_delay", integer)}

type configuredView struct {
	VideoRoom  string `json:"videoroom"`
	Room       ID     `json:"room"`
	Configured string `json:"configured"`
	publishedView
}

// publish is configure, but for one who does not publish yet.
func (d *draft) publish(p *publisher) *failure {
	if p.Peer != nil && p.Peer.Up {
		return fail(errPublished, "Can't publish, already published")
	}
	return d.configure(p)
}

// configure sets what a publisher sends, and with an offer makes it send.
func (d *draft) configure(p *publisher) *failure {
	if f := check(d.body, configureTable...); f != nil {
		return f
	}
	if f := d.checkDescriptions(); f != nil {
		return f
	}
	if f := d.checkStreams(p); f != nil {
		return f
	}
	if f := d.personalFits(p); f != nil {
		return f
	}
	p = d.own(p)
	d.applySettings(p)
	renegotiated := p.live() && d.jsepType() != ""
	var jsep *busv1.Jsep
	configured := configuredView{VideoRoom: "event", Room: d.id, Configured: "ok"}
	if d.jsepType() != "" {
		var f *failure
		jsep, f = d.takeOffer(p)
		switch {
		case f != nil:
			return d.refuseOffer(p, f)
		case jsep == nil:
			return nil
		}
	}
	described := d.describe(p)
	if jsep != nil {
		configured.publishedView = p.published()
	}
	if f := d.applyStreams(p, jsep != nil); f != nil {
		return f
	}
	d.reply(configured, jsep)
	d.noticeConfigured(p)
	d.rename(p)
	if p.live() && (renegotiated || described) {
		d.noticePublished("updated", p)
		d.tellOthers(p.handle, publishersView{"event", d.id, []feedView{p.feedEvent()}})
	}
	return nil
}

// refuseOffer answers why an offer is not taken. What else the request says of the participant counts all the same, as at
// Janus.
func (d *draft) refuseOffer(p *publisher, why *failure) *failure {
	if f := d.applyStreams(p, false); f != nil {
		return f
	}
	d.rename(p)
	d.reply(why, nil)
	return nil
}

type publishersView struct {
	VideoRoom  string     `json:"videoroom"`
	Room       ID         `json:"room"`
	Publishers []feedView `json:"publishers"`
}

// applySettings takes over what needs no media.
func (d *draft) applySettings(p *publisher) {
	if n, ok := d.body.Uint32("bitrate"); ok {
		p.Bitrate = n
	}
	if n, ok := d.body.Uint32("audio_active_packets"); ok {
		p.AudioActivePackets = &n
	}
	if n, ok := d.body.Uint32("audio_level_average"); ok {
		p.AudioLevelAverage = &n
	}
	if d.mayRecord() {
		if record, ok := d.body.Bool("record"); ok {
			p.Record = record
		}
		if name, ok := d.body.Text("filename"); ok && (plugin.StaysInFolder(name) || plugin.MayBeInFolder(name)) {
			p.Filename = name
		}
	}
}

// mayRecord tells whether the request may change recording: in some rooms only with the secret.
func (d *draft) mayRecord() bool {
	if !d.attributes.LockRecord || d.standsForSecret() {
		return true
	}
	secret, _ := d.body.Text("secret")
	return equal(secret, d.attributes.Secret)
}

// checkDescriptions fails unless describe can go by them.
func (d *draft) checkDescriptions() *failure {
	for _, item := range d.body.Objects("descriptions") {
		if f := check(item, must("mid", text), must("description", text)); f != nil {
			return f
		}
	}
	return nil
}

// describe labels streams. It reports whether there was any to label: that is announced, new or not.
func (d *draft) describe(p *publisher) (described bool) {
	for _, item := range d.body.Objects("descriptions") {
		mid, _ := item.Text("mid")
		description, _ := item.Text("description")
		if s := p.stream(mid); s != nil {
			s.Description, described = description, true
		}
	}
	return described
}

type renamedView struct {
	VideoRoom string          `json:"videoroom"`
	ID        ID              `json:"id"`
	Display   *string         `json:"display,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

// rename changes how a participant is shown. Others hear of it only if there was something shown before.
func (d *draft) rename(p *publisher) {
	if display, ok := d.body.Text("display"); ok {
		had := p.Display != nil
		p.Display = &display
		if had {
			d.tellOthers(p.handle, renamedView{VideoRoom: "event", ID: p.ID, Display: p.Display, Metadata: p.Metadata})
		}
	}
	if metadata, ok := d.body.Raw("metadata"); ok {
		had := p.Metadata != nil
		p.Metadata = metadata
		if had {
			d.tellOthers(p.handle, renamedView{VideoRoom: "event", ID: p.ID, Metadata: metadata})
		}
	}
}

// applyStreams sets what is relayed of each stream, and tells the node, which knows the bitrate already if it has answered an
// offer.
func (d *draft) applyStreams(p *publisher, answered bool) *failure {
	wanted := d.wantedStates(p)
	if p.Peer == nil {
		return nil
	}
	request := &mediav1.UpdatePublisherRequest{Peer: peerID(p.handle, p.Peer), Streams: wanted}
	if n, ok := d.body.Uint32("bitrate"); ok && !answered {
		request.BitrateBps = new(d.capped(n))
	}
	if d.attributes.AudioLevelEvent && (d.body.Has("audio_active_packets") || d.body.Has("audio_level_average")) {
		request.Talk = d.talk(p)
	}
	if d.followRecording(p) {
		request.Recording = d.recordingOrder(p)
	}
	if len(wanted) == 0 && request.BitrateBps == nil && request.Talk == nil && request.Recording == nil {
		return nil
	}
	_, ok, err := d.call(p.handle, p.Peer, request)
	if !ok {
		return nil
	}
	if err != nil {
		return unserved(err)
	}
	p.Peer.Told++
	return nil
}

// streamItems are what the request says of streams: a list, or one item that is the body itself.
func (d *draft) streamItems() []object {
	if items := d.body.Objects("streams"); len(items) > 0 {
		return items
	}
	return []object{d.body.Item(streamTable...)}
}

// checkStreams fails unless wantedStates can go by the items. As at Janus, an item names a stream that is published
// already, not one of the offer that comes with it.
func (d *draft) checkStreams(p *publisher) *failure {
	items := d.streamItems()
	for _, item := range items {
		if f := check(item, streamTable...); f != nil {
			return f
		}
		mid, hasMid := item.Text("mid")
		if !hasMid && len(items) > 1 {
			return fail(errInvalid, "Invalid value (mid can't be null in a streams array)")
		}
		if hasMid && p.stream(mid) == nil {
			return fail(errNoSuchFeed, "No such mid '%s' published", mid)
		}
	}
	return nil
}

// wantedStates applies the request's stream items to p, and returns them as the node takes them.
func (d *draft) wantedStates(p *publisher) []*mediav1.StreamState {
	states := map[string]*mediav1.StreamState{}
	named := false
	for _, item := range d.streamItems() {
		mid, hasMid := item.Text("mid")
		named = named || hasMid
		for i := range p.Streams {
			s := &p.Streams[i]
			switch {
			case hasMid && s.Mid == mid:
				s.apply(item, true, states)
			case !hasMid && s.Type == video:
				s.apply(item, false, states)
			}
		}
	}
	if !named {
		d.applyLegacy(p, states)
	}
	var list []*mediav1.StreamState
	for i := range p.Streams {
		if state := states[p.Streams[i].Mid]; state != nil {
			list = append(list, state)
		}
	}
	return list
}

// apply takes over one item, of which send counts only if it names the stream.
func (s *stream) apply(item object, named bool, states map[string]*mediav1.StreamState) {
	if send, ok := item.Bool("send"); ok && named {
		s.Paused = !send
		s.state(states).Relay = new(s.relayed())
	}
	if s.Type != video {
		return
	}
	if item.BoolOr("keyframe", false) {
		s.state(states).Keyframe = true
	}
	if setDelays(item, &s.MinDelay, &s.MaxDelay) {
		state := s.state(states)
		state.MinDelay, state.MaxDelay = delayOrNone(s.MinDelay), delayOrNone(s.MaxDelay)
	}
}

func (s *stream) state(states map[string]*mediav1.StreamState) *mediav1.StreamState {
	state := states[s.Mid]
	if state == nil {
		state = &mediav1.StreamState{Mid: s.Mid}
		states[s.Mid] = state
	}
	return state
}

// applyLegacy takes over audio, video and data, each for all streams of its type.
func (d *draft) applyLegacy(p *publisher, states map[string]*mediav1.StreamState) {
	for _, kind := range []string{audio, video, data} {
		send, ok := d.body.Bool(kind)
		if !ok {
			continue
		}
		for i := range p.Streams {
			s := &p.Streams[i]
			if s.Type == kind && s.Paused == send {
				s.Paused = !send
				s.state(states).Relay = new(s.relayed())
			}
		}
	}
}
