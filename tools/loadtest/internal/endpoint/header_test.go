package endpoint

import (
	"bytes"
	"testing"
)

func TestHeadersAreRead(t *testing.T) {
	fixed := []byte{0x80, 0x60, 0xff, 0xfe, 0, 0, 0, 9, 1, 2, 3, 4}
	with := func(first byte, more ...byte) []byte {
		b := append(bytes.Clone(fixed), more...)
		b[0] = first
		return b
	}
	plain := header{ssrc: 0x01020304, ts: 9, seq: 0xfffe, payloadType: 96}
	wide := plain
	wide.transport, wide.hasTransport = 0x0102, true
	padded := plain
	padded.padded = true
	for name, c := range map[string]struct {
		packet []byte
		want   header
		ok     bool
	}{
		"plain":                      {fixed, plain, true},
		"padded":                     {with(0xa0, 1), padded, true},
		"one CSRC":                   {with(0x81, 0, 0, 0, 1), plain, true},
		"cut in CSRCs":               {with(0x82, 0, 0, 0, 1), plain, false},
		"one-byte extension":         {with(0x90, 0xbe, 0xde, 0, 2, 0x10, 7, 0, 0x31, 1, 2, 0, 0), wide, true},
		"two-byte extension":         {with(0x90, 0x10, 0x00, 0, 1, 3, 2, 1, 2), wide, true},
		"other extension":            {with(0x90, 0xbe, 0xde, 0, 1, 0x41, 1, 2, 0), plain, true},
		"extension overruns":         {with(0x90, 0xbe, 0xde, 0, 1, 0x3f, 1, 2, 0), plain, true},
		"extensions overrun":         {with(0x90, 0xbe, 0xde, 0, 9, 0x31, 1, 2, 0), header{}, false},
		"extensions without length":  {with(0x90, 0xbe, 0xde), header{}, false},
		"shorter than a header":      {fixed[:11], header{}, false},
		"nothing":                    {nil, header{}, false},
		"extensions of a third form": {with(0x90, 0x20, 0x00, 0, 1, 0x31, 1, 2, 0), plain, true},
	} {
		got, ok := readHeader(c.packet, 3)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte{0x90, 0x60, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 0x31, 1, 2, 0}, uint8(3))
	f.Add([]byte{0x90, 0x60, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 0x10, 0, 0, 1, 3, 2, 1, 2}, uint8(3))
	f.Fuzz(func(_ *testing.T, b []byte, id uint8) { readHeader(b, id) })
}
