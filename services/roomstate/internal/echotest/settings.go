package echotest

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

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

// bestLayer is the target of whoever asks for none.
const bestLayer = 2

func defaults() settings { return settings{Audio: new(true), Video: new(true)} }

// read parses a message's body, fields in the order of the struct. Unknown ones are passed over.
func read(body []byte) (settings, *failure) {
	var s settings
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return s, &failure{"event", errNotObject, "JSON error: not an object"}
	}
	to := reflect.ValueOf(&s).Elem()
	for i := range to.NumField() {
		name, _, _ := strings.Cut(to.Type().Field(i).Tag.Get("json"), ",")
		if value, there := fields[name]; there && !take(to.Field(i), value) {
			return s, invalid("Invalid element type (%s should be %s)", name, named(to.Field(i).Type().Elem()))
		}
	}
	for _, layer := range []struct {
		name  string
		value *uint32
	}{
		{"substream", s.Substream}, {"temporal", s.Temporal},
		{"spatial_layer", s.SpatialLayer}, {"temporal_layer", s.TemporalLayer},
	} {
		if layer.value != nil && *layer.value > 2 {
			return s, invalid("Invalid value (%s should be 0, 1 or 2)", layer.name)
		}
	}
	return s, nil
}

func invalid(format string, args ...any) *failure {
	return &failure{"event", errInvalid, fmt.Sprintf(format, args...)}
}

// take puts a JSON value into a field, a pointer, unless it is of another type. Integers beyond the field's limits are
// cut to them, except that a positive one must not be negative.
func take(field reflect.Value, value json.RawMessage) bool {
	v := reflect.New(field.Type().Elem())
	switch into := v.Interface().(type) {
	case *uint32, *int32:
		var n int64
		if json.Unmarshal(value, &n) != nil {
			return false
		}
		if u, ok := into.(*uint32); ok {
			*u = uint32(min(max(n, 0), math.MaxUint32))
			if n < 0 {
				return false
			}
		} else {
			v.Elem().SetInt(min(max(n, math.MinInt32), math.MaxInt32))
		}
	default:
		if json.Unmarshal(value, into) != nil {
			return false
		}
	}
	if string(value) == "null" {
		return false
	}
	field.Set(v)
	return true
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

// agreed leaves out codecs that were asked for and that no stream has: later offers are not refused for them.
func (s settings) agreed(streams []*mediav1.PublishedStream) settings {
	for _, wanted := range []**string{&s.AudioCodec, &s.VideoCodec} {
		has := func(one *mediav1.PublishedStream) bool { return strings.EqualFold(one.GetCodec(), **wanted) }
		if *wanted != nil && !slices.ContainsFunc(streams, has) {
			*wanted = nil
		}
	}
	return s
}

// asksNothing tells whether nothing is set that counts by itself, as Janus sees it.
func (s settings) asksNothing() bool {
	s.AudioCodec, s.Filename, s.SVC = nil, nil, nil
	return s == settings{}
}

func (s settings) echo() *mediav1.Echo {
	return &mediav1.Echo{
		Audio: value(s.Audio, true), Video: value(s.Video, true), TextPrefix: textPrefix, MinDelay: s.MinDelay, MaxDelay: s.MaxDelay,
		Layers: &mediav1.Layers{
			Substream: value(s.Substream, bestLayer), Temporal: value(s.Temporal, bestLayer), FallbackUs: value(s.Fallback, 0),
			SpatialLayer: value(s.SpatialLayer, bestLayer), TemporalLayer: value(s.TemporalLayer, bestLayer),
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
		r.AudioCodecs = []string{strings.ToLower(*s.AudioCodec)}
	}
	if s.VideoCodec != nil {
		r.VideoCodecs = []string{strings.ToLower(*s.VideoCodec)}
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
