package echotest

import (
	"testing"
)

func TestWhatABodyAsksFor(t *testing.T) {
	for body, want := range map[string]struct {
		nothing bool
		text    string // of the failure
	}{
		`{}`:                     {nothing: true},
		`{"request":"x"}`:        {nothing: true},
		`{"audiocodec":"opus"}`:  {nothing: true},
		`{"filename":"x"}`:       {nothing: true},
		`{"videocodec":"vp8"}`:   {},
		`{"videoprofile":"2"}`:   {},
		`{"record":false}`:       {},
		`{"opusred":true}`:       {},
		`{"svc":true}`:           {nothing: true},
		`{"min_delay":-1}`:       {},
		`{"audio":5}`:            {text: "Invalid element type (audio should be a boolean)"},
		`{"filename":5}`:         {text: "Invalid element type (filename should be a string)"},
		`{"bitrate":-5}`:         {text: "Invalid element type (bitrate should be a positive integer)"},
		`{"max_delay":1.5}`:      {text: "Invalid element type (max_delay should be an integer)"},
		`{"substream":3}`:        {text: "Invalid value (substream should be 0, 1 or 2)"},
		`{"temporal":3}`:         {text: "Invalid value (temporal should be 0, 1 or 2)"},
		`{"spatial_layer":3}`:    {text: "Invalid value (spatial_layer should be 0, 1 or 2)"},
		`{"temporal_layer":300}`: {text: "Invalid value (temporal_layer should be 0, 1 or 2)"},
		`[]`:                     {text: "JSON error: not an object"},
	} {
		set, f := read([]byte(body))
		switch {
		case f != nil && f.Text != want.text, f == nil && want.text != "":
			t.Errorf("%s: failure %+v, want %q", body, f, want.text)
		case f == nil && set.asksNothing() != want.nothing:
			t.Errorf("%s: asks nothing: %t", body, !want.nothing)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"audio":true,"substream":2}`, `{"bitrate":4294967296}`, `{"svc":null}`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		set, f := read(body)
		if f == nil && set.Substream != nil && *set.Substream > 2 {
			t.Fatal("a substream beyond 2")
		}
	})
}
