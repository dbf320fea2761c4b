package packet

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/pion/rtp"
)

var allIDs = ExtensionIDs{
	AudioLevel: 1, AbsSendTime: 2, TransportCC: 3, MID: 4, RID: 5, RepairedRID: 6, AbsCaptureTime: 7, PlayoutDelay: 8,
	VideoOrientation: 9, DependencyDescriptor: 10,
}

// full has every header extension that fits the one-byte form.
func full() Extensions {
	return Extensions{
		Present:          1<<10 - 1,
		AudioLevel:       AudioLevel{Level: 42, Voice: true},
		VideoOrientation: 9, TransportSeq: 65535, AbsSendTime: 0xabcdef,
		PlayoutDelay:   PlayoutDelay{Min: 1, Max: 4095},
		AbsCaptureTime: AbsCaptureTime{NTP: 1 << 63, Offset: -5, HasOffset: true},
		MID:            []byte("0"), RID: []byte("h"), RepairedRID: []byte("m"), DependencyDescriptor: []byte{1, 2, 3},
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	twoByte := allIDs
	twoByte.MID = 20
	long := full()
	long.MID = bytes.Repeat([]byte("m"), 40)
	for _, tc := range []struct {
		name string
		ids  ExtensionIDs
		ext  Extensions
	}{
		{"one-byte form", allIDs, full()},
		{"two-byte form for a high number", twoByte, full()},
		{"two-byte form for a long value", allIDs, long},
		{"nothing negotiated", ExtensionIDs{}, Extensions{}},
		{"nothing present", allIDs, Extensions{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := Header{SSRC: 0xdeadbeef, Timestamp: 1 << 31, Seq: 65535, PayloadType: 127, Marker: true}
			b := Append([]byte("before"), &h, &tc.ids, &tc.ext, []byte("payload"))[len("before"):]
			got := Packet{Arrival: time.Second}
			if err := got.Parse(b, &tc.ids); err != nil {
				t.Fatal(err)
			}
			want := Packet{Header: h, Ext: tc.ext, Payload: []byte("payload"), Arrival: time.Second}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			var theirs rtp.Packet
			if err := theirs.Unmarshal(b); err != nil {
				t.Fatalf("pion: %v", err)
			}
			if theirs.SequenceNumber != 65535 || !bytes.Equal(theirs.Payload, []byte("payload")) {
				t.Errorf("pion reads %v", theirs)
			}
		})
	}
}

func TestParseLeavesPaddingAndSourcesOut(t *testing.T) {
	b := []byte{0xb2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 8, 8, 8, 8, 0xbe, 0xde, 0, 1, 0x10, 0x85, 0xf0, 0xff, 'a', 'b', 0, 0, 3}
	var p Packet
	if err := p.Parse(b, &allIDs); err != nil {
		t.Fatal(err)
	}
	if string(p.Payload) != "ab" || !p.Ext.Present.Has(HasAudioLevel) || p.Ext.AudioLevel != (AudioLevel{Level: 5, Voice: true}) {
		t.Errorf("got %+v", p)
	}
}

func TestParseRefusesWhatContradictsItself(t *testing.T) {
	header := []byte{0x80, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}
	with := func(first byte, rest ...byte) []byte {
		b := append(bytes.Clone(header), rest...)
		b[0] = first
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":                         nil,
		"a cut header":                    header[:11],
		"version 1":                       with(0x40),
		"sources cut off":                 with(0x82, 1, 2, 3, 4),
		"extension head cut off":          with(0x90, 0xbe, 0xde),
		"extension cut off":               with(0x90, 0xbe, 0xde, 0, 2, 1, 1, 1, 1),
		"padding without a byte":          with(0xa0),
		"padding longer than the payload": with(0xa0, 1, 9),
		"padding of none":                 with(0xa0, 1, 0),
	} {
		var p Packet
		if err := p.Parse(b, &allIDs); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPaddingOnlyHasNoPayload(t *testing.T) {
	var p Packet
	if err := p.Parse([]byte{0xa0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 3}, &allIDs); err != nil || len(p.Payload) != 0 {
		t.Errorf("payload %x, %v", p.Payload, err)
	}
}

func TestUnwrapRestoresTheOriginal(t *testing.T) {
	p := Packet{Header: Header{SSRC: 1, PayloadType: 97, Seq: 7, Timestamp: 5}, Payload: []byte{0xff, 0xfe, 1, 2}}
	if !p.Unwrap(2, 96) || p.Seq != 65534 || p.SSRC != 2 || p.PayloadType != 96 || p.Timestamp != 5 || len(p.Payload) != 2 {
		t.Errorf("got %+v", p)
	}
	empty := Packet{Payload: []byte{0, 1}}
	if empty.Unwrap(2, 96) {
		t.Error("padding was taken for a packet")
	}
}

func TestExtendCountsCycles(t *testing.T) {
	for _, tc := range []struct {
		name string
		seqs []uint16
		want []int64 // steps from the first
	}{
		{"from 0", []uint16{0, 1, 2}, []int64{0, 1, 2}},
		{"over the wrap", []uint16{65535, 0, 1, 65534}, []int64{0, 1, 2, -1}},
		{"before the first", []uint16{1, 65535, 0}, []int64{0, -2, -1}},
		{"half way, forwards", []uint16{0, 32767}, []int64{0, 32767}},
		{"half way exactly is backwards", []uint16{0, 32768}, []int64{0, -32768}},
		{"twice around", []uint16{0, 32767, 65534, 32765, 65532}, []int64{0, 32767, 65534, 98301, 131068}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var x Extender
			var first uint64
			for i, seq := range tc.seqs {
				got := x.Extend(seq)
				if i == 0 {
					first = got
				}
				if d := int64(got - first); d != tc.want[i] || uint16(got) != seq {
					t.Errorf("step %d: %d is %d from the first, want %d", i, seq, d, tc.want[i])
				}
			}
		})
	}
}

func TestNTPIsReadBack(t *testing.T) {
	for _, at := range []time.Duration{0, 1, time.Second - 1, 1_700_000_000*time.Second + 123_456_789} {
		if d := (FromNTP(NTP(at)) - at).Abs(); d > 1 {
			t.Errorf("%v is off by %v", at, d)
		}
	}
	if got := NTP(0) >> 32; got != 2_208_988_800 {
		t.Errorf("the Unix epoch is second %d", got)
	}
}

func TestParseAndAppendDoNotAllocate(t *testing.T) {
	ext, h := full(), Header{Seq: 1}
	b := Append(nil, &h, &allIDs, &ext, make([]byte, 1000))
	dst := make([]byte, 0, MaxSize)
	var p Packet
	if got := testing.AllocsPerRun(100, func() {
		if p.Parse(b, &allIDs) == nil {
			dst = Append(dst[:0], &p.Header, &allIDs, &p.Ext, p.Payload)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzParse(f *testing.F) {
	ext, h := full(), Header{Seq: 1}
	f.Add(Append(nil, &h, &allIDs, &ext, []byte("payload")))
	ext.MID = bytes.Repeat([]byte("m"), 40)
	f.Add(Append(nil, &h, &allIDs, &ext, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second Packet
		if first.Parse(b, &allIDs) != nil {
			return
		}
		again := Append(nil, &first.Header, &allIDs, &first.Ext, first.Payload)
		if err := second.Parse(again, &allIDs); err != nil {
			t.Fatalf("%x written as %x: %v", b, again, err)
		}
		if !bytes.Equal(first.Payload, second.Payload) || first.Header != second.Header || first.Ext.Present != second.Ext.Present {
			t.Errorf("%x written as %x: %+v is not %+v", b, again, second, first)
		}
	})
}

func TestAbsSendTimeWrapsEach64Seconds(t *testing.T) {
	const half = 32_500 * time.Millisecond
	base := -time.Duration(NTP(0)>>32%64) * time.Second // a whole multiple of 64 s since 1900
	for at, want := range map[time.Duration]uint32{0: 0, half: 32<<18 | 1<<17, 64 * time.Second: 0, half + 64*time.Second: 32<<18 | 1<<17} {
		if got := AbsSendTime(base + at); got != want {
			t.Errorf("%v after: %#x, want %#x", at, got, want)
		}
	}
}
