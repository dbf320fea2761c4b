package videocall

import (
	"cmp"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// settings are what set has changed; the zero value is that of a new call.
type settings struct {
	Mute     bool   `json:"mute,omitempty"` // audio is not relayed to the other party
	Blind    bool   `json:"blind,omitempty"`
	Bitrate  uint32 `json:"bitrate,omitempty"` // REMB cap in bits a second; 0 for none
	Record   bool   `json:"record,omitempty"`
	Filename string `json:"filename,omitempty"`
	Layers   wanted `json:"layers"`
}

// wanted are the layers that a user wants of the other party; 0 for what has not been said.
type wanted struct {
	Substream  layer  `json:"substream,omitempty"`
	Temporal   layer  `json:"temporal,omitempty"`
	FallbackUS uint32 `json:"fallback_us,omitempty"` // 0 for the node's own
}

// layer is one more than its number, so that 0 is the best there is.
type layer uint32

func (l layer) number() uint32 {
	if l == 0 {
		return 2
	}
	return uint32(l) - 1
}

// readLayers reads them. Wrong types are told in the words for wrong values.
func readLayers(body request.Object) (wanted, *failure) {
	var w wanted
	for _, field := range []struct {
		name string
		to   *layer
	}{{"substream", &w.Substream}, {"temporal", &w.Temporal}} {
		if !body.Has(field.name) {
			continue
		}
		v, ok := body.Uint(field.name)
		if !ok || v > 2 {
			return wanted{}, fail(errInvalid, "Invalid value (%s should be 0, 1 or 2)", field.name)
		}
		*field.to = layer(v) + 1
	}
	if body.Has("fallback") {
		us, ok := body.Uint("fallback")
		if !ok {
			return wanted{}, fail(errInvalid, "Invalid value (fallback should be a positive integer)")
		}
		w.FallbackUS = uint32(min(us, math.MaxUint32))
	}
	return w, nil
}

// with returns s with what a sound body sets.
func (s settings) with(body request.Object, asked wanted) settings {
	s.Mute = !body.BoolOr("audio", !s.Mute)
	s.Blind = !body.BoolOr("video", !s.Blind)
	s.Record = body.BoolOr("record", s.Record)
	if bps, ok := body.Uint("bitrate"); ok {
		s.Bitrate = uint32(min(bps, math.MaxUint32))
	}
	if name, ok := body.Text("filename"); ok {
		s.Filename = name
	}
	s.Layers.Substream = cmp.Or(asked.Substream, s.Layers.Substream)
	s.Layers.Temporal = cmp.Or(asked.Temporal, s.Layers.Temporal)
	s.Layers.FallbackUS = cmp.Or(asked.FallbackUS, s.Layers.FallbackUS)
	return s
}

// notice is what event handlers are told.
func (s settings) notice() members {
	return members{"event": "configured", "audio_active": !s.Mute, "video_active": !s.Blind, "bitrate": s.Bitrate}
}

func (w wanted) layers() *mediav1.Layers {
	return &mediav1.Layers{
		Substream: w.Substream.number(), Temporal: w.Temporal.number(), FallbackUs: w.FallbackUS, SpatialLayer: 2, TemporalLayer: 2,
	}
}

// applyAll has the node do what the parties of the command's call have set, as far as they have: m= sections may be new.
func (d *draft) applyAll(other plugin.HandleID) bool {
	for _, id := range []plugin.HandleID{d.me(), other} {
		if d.user(id).Settings != (settings{}) && !d.apply(id) {
			return false
		}
	}
	return true
}

// apply has the node do what a user has set for its call. It returns false if the turn has ended.
func (d *draft) apply(id plugin.HandleID) bool {
	sends := d.sends(id)
	sends.Recording = d.recording(id)
	return d.change(id, sends) && d.change(id, d.gets(id, d.user(id).Peer.Node))
}

// sends is what is taken of what a user sends.
func (d *draft) sends(id plugin.HandleID) *mediav1.UpdatePublisherRequest {
	u := d.user(id)
	sends := &mediav1.UpdatePublisherRequest{Peer: peerID(id, u.Peer), BitrateBps: &u.Settings.Bitrate}
	for _, s := range u.Call.Sections {
		switch s.Kind {
		case mediav1.Kind_KIND_AUDIO:
			sends.Streams = append(sends.Streams, &mediav1.StreamState{Mid: s.MID, Relay: new(!u.Settings.Mute)})
		case mediav1.Kind_KIND_VIDEO:
			sends.Streams = append(sends.Streams, &mediav1.StreamState{Mid: s.MID, Relay: new(!u.Settings.Blind)})
		}
	}
	return sends
}

// gets is what a user gets of the other, as seen from a node.
func (d *draft) gets(id plugin.HandleID, node string) *mediav1.UpdateSubscriberRequest {
	u := d.user(id)
	gets := &mediav1.UpdateSubscriberRequest{Peer: peerID(id, u.Peer)}
	with, ok := d.other(u)
	if !ok {
		return gets
	}
	other := d.user(with)
	from, at := feed(with, other.Peer), other.Peer.Node
	if at == node || other.Peer.Next == node || !d.Alive(at) { // it is there, or comes there, as far as is known
		at = ""
	}
	for _, s := range u.Call.Sections {
		slot := &mediav1.Slot{Mid: s.MID, Kind: s.Kind, Send: true, Layers: u.Settings.Layers.layers()}
		if s.Kind == mediav1.Kind_KIND_DATA {
			slot.DataSources = []*mediav1.DataSource{{Feed: from, Node: at}}
		} else {
			slot.Source = &mediav1.Source{Feed: from, Mid: s.MID, Node: at}
		}
		gets.Slots = append(gets.Slots, slot)
	}
	return gets
}

// change asks the node to change something about one peer.
func (d *draft) change(id plugin.HandleID, r proto.Message) bool {
	u := d.user(id)
	got, ok := d.Ask(plugin.Question{Node: u.Peer.Node, Handle: id, Told: u.Peer.Told, Request: r})
	if !ok {
		return false
	}
	if got.Err != nil {
		d.Failure = got.Err
		return false
	}
	told := *u.Peer
	told.Told++
	u.Peer = &told
	d.put(id, u)
	return true
}
