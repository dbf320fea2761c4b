package echotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// textPrefix goes before a text message that comes back.
const textPrefix = "Janus EchoTest here! You wrote: "

// settings are what a message may set; nil leaves a setting as it was.
type settings struct {
	Audio         *bool   `json:"audio,omitempty"`
	Video         *bool   `json:"video,omitempty"`
	Bitrate       *uint32 `json:"bitrate,omitempty"`
	Record        *bool   `json:"record,omitempty"`
	Filename      *string `json:"filename,omitempty"`
	Substream     *uint32 `json:"substream,omitempty"`
	Temporal      *uint32 `json:"temporal,omitempty"`
	Fallback      *uint32 `json:"fallback,omitempty"`
	SVC           *bool   `json:"svc,omitempty"`
	SpatialLayer  *uint32 `json:"spatial_layer,omitempty"`
	TemporalLayer *uint32 `json:"temporal_layer,omitempty"`
	AudioCodec    *string `json:"audiocodec,omitempty"`
	VideoCodec    *string `json:"videocodec,omitempty"`
	VideoProfile  *string `json:"videoprofile,omitempty"`
	OpusRED       *bool   `json:"opusred,omitempty"`
	MinDelay      *int32  `json:"min_delay,omitempty"`
	MaxDelay      *int32  `json:"max_delay,omitempty"`
}

func defaults() settings { return settings{Audio: new(true), Video: new(true)} }

// read parses a message's body.
func read(body []byte) (settings, *failure) {
	var s settings
	err := json.Unmarshal(body, &s)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return s, &failure{"event", errInvalid, fmt.Sprintf("Invalid element type (%s should be %s)", wrong.Field, named(wrong.Type))}
	}
	if err != nil || len(body) == 0 || body[0] != '{' {
		return s, &failure{"event", errNotObject, "JSON error: not an object"}
	}
	for _, layer := range []struct {
		name  string
		value *uint32
	}{
		{"substream", s.Substream}, {"temporal", s.Temporal},
		{"spatial_layer", s.SpatialLayer}, {"temporal_layer", s.TemporalLayer},
	} {
		if layer.value != nil && *layer.value > 2 {
			return s, &failure{"event", errInvalid, fmt.Sprintf("Invalid value (%s should be 0, 1 or 2)", layer.name)}
		}
	}
	return s, nil
}

func named(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Uint32:
		return "a positive integer"
	default:
		return "an integer"
	}
}

// with returns s with what is set in more.
func (s settings) with(more settings) settings {
	to, from := reflect.ValueOf(&s).Elem(), reflect.ValueOf(more)
	for i := range from.NumField() {
		if !from.Field(i).IsNil() {
			to.Field(i).Set(from.Field(i))
		}
	}
	return s
}

// withoutCodecs leaves out what counts only together with an offer (spec/other-plugins.md, section 1).
func (s settings) withoutCodecs() settings {
	s.AudioCodec, s.VideoCodec, s.VideoProfile = nil, nil, nil
	return s
}

// asksNothing tells whether nothing is set that counts by itself, as Janus sees it.
func (s settings) asksNothing() bool {
	s.AudioCodec, s.Filename = nil, nil
	return s == settings{}
}

func (s settings) echo() *mediav1.Echo {
	return &mediav1.Echo{
		Audio: value(s.Audio, true), Video: value(s.Video, true), TextPrefix: textPrefix,
		Layers: &mediav1.Layers{
			Substream: value(s.Substream, 2), Temporal: value(s.Temporal, 2), FallbackUs: value(s.Fallback, 0),
			SpatialLayer: value(s.SpatialLayer, 2), TemporalLayer: value(s.TemporalLayer, 2),
		},
	}
}

// rules are what the answer may take: anything, or the codec that was asked for.
func (s settings) rules() *mediav1.PublishRules {
	r := &mediav1.PublishRules{
		AudioCodecs: []string{"opus", "pcmu", "pcma", "g722"},
		VideoCodecs: []string{"vp8", "vp9", "h264", "av1"},
		OpusFec:     true, OpusDtx: true, AudioLevel: true, VideoOrientation: true, PlayoutDelay: true, TransportCc: true,
		BitrateBps: value(s.Bitrate, 0), OpusRed: value(s.OpusRED, false),
	}
	if s.AudioCodec != nil {
		r.AudioCodecs = []string{*s.AudioCodec}
	}
	if s.VideoCodec != nil {
		r.VideoCodecs = []string{*s.VideoCodec}
	}
	if s.VideoProfile != nil {
		r.Vp9Profile, r.H264Profile = *s.VideoProfile, *s.VideoProfile
	}
	return r
}

func value[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}
