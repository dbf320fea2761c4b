package codec

import "testing"

func TestNamesAreJanuss(t *testing.T) {
	for c := Opus; c <= AV1; c++ {
		if got := Parse(c.String()); got != c {
			t.Errorf("Parse(%q) = %d, want %d", c.String(), got, c)
		}
	}
	for _, name := range []string{"", "h265", "VP8"} {
		if got := Parse(name); got != Unknown {
			t.Errorf("Parse(%q) = %v, want Unknown", name, got)
		}
	}
}

func TestKeyframeStarts(t *testing.T) {
	for _, tc := range []struct {
		name    string
		codec   Codec
		payload []byte
		want    bool
	}{
		{"VP8 key frame, first packet", VP8, []byte{0x10, 0x00}, true},
		{"VP8 key frame, second packet", VP8, []byte{0x00, 0x00}, false},
		{"VP8 key frame, second partition", VP8, []byte{0x11, 0x00}, false},
		{"VP8 delta frame", VP8, []byte{0x10, 0x01}, false},
		{"VP8 key frame with all fields", VP8, []byte{0x90, 0xf0, 0x81, 0x02, 0x07, 0x20, 0x00}, true},
		{"VP8 with fields cut off", VP8, []byte{0x90, 0xf0, 0x81, 0x02, 0x07}, false},
		{"VP9 key frame", VP9, []byte{0x88, 0x05, 0x00}, true},
		{"VP9 key frame, not its first packet", VP9, []byte{0x80, 0x05, 0x00}, false},
		{"VP9 predicted", VP9, []byte{0xc8, 0x05, 0x00}, false},
		{"VP9 upper spatial layer of a key picture", VP9, []byte{0xa8, 0x05, 0x03, 0x09, 0x00}, false},
		{"VP9 lowest spatial layer of a key picture", VP9, []byte{0xa8, 0x05, 0x00, 0x09, 0x00}, true},
		{"H.264 SPS alone", H264, []byte{0x67, 0x42}, true},
		{"H.264 IDR, first slice", H264, []byte{0x65, 0x88}, true},
		{"H.264 IDR, later slice", H264, []byte{0x65, 0x08}, false},
		{"H.264 delta", H264, []byte{0x41, 0x9a}, false},
		{"H.264 STAP-A with SPS and PPS", H264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, true},
		{"H.264 STAP-A with PPS only", H264, []byte{0x78, 0, 2, 0x68, 0xce}, false},
		{"H.264 STAP-A cut off", H264, []byte{0x78, 0, 9, 0x67, 0x42}, false},
		{"H.264 FU-A, start of IDR", H264, []byte{0x7c, 0x85, 0x88}, true},
		{"H.264 FU-A, middle of IDR", H264, []byte{0x7c, 0x05, 0x88}, false},
		{"H.264 FU-A, start of delta", H264, []byte{0x7c, 0x81, 0x9a}, false},
		{"AV1 with N", AV1, []byte{0x18, 0x0a, 0x0b}, true},
		{"AV1 sequence header, one element", AV1, []byte{0x10, 0x0a, 0x0b}, true},
		{"AV1 sequence header after temporal delimiter", AV1, []byte{0x00, 0x01, 0x12, 0x02, 0x0a, 0x0b}, true},
		{"AV1 frame", AV1, []byte{0x10, 0x32, 0x00}, false},
		{"AV1 continued OBU", AV1, []byte{0x98, 0x0a, 0x0b}, false},
		{"AV1 length beyond the packet", AV1, []byte{0x00, 0x7f, 0x0a}, false},
		{"audio", Opus, []byte{0x10, 0x00}, false},
		{"nothing", VP8, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Keyframe(tc.codec, tc.payload); got != tc.want {
				t.Errorf("Keyframe(%v, %x) = %t, want %t", tc.codec, tc.payload, got, tc.want)
			}
		})
	}
}

func TestDescribeReadsPictureNumbersAndLayers(t *testing.T) {
	for _, tc := range []struct {
		name    string
		codec   Codec
		payload []byte
		want    Descriptor
	}{
		{
			"VP8, 15-bit picture id", VP8, []byte{0x90, 0xe0, 0x92, 0x34, 0x56, 0xa0, 0x01},
			Descriptor{Start: true, Temporal: 2, Switch: UpHere, PictureID: 0x1234, PictureIDMask: 0x7fff, TL0PICIDX: 0x56, HasTL0PICIDX: true, pictureIDAt: 2, tl0At: 4},
		},
		{
			"VP8, 7-bit picture id, no sync", VP8, []byte{0x90, 0xe0, 0x12, 0x56, 0x40, 0x01},
			Descriptor{Start: true, Temporal: 1, PictureID: 0x12, PictureIDMask: 0x7f, TL0PICIDX: 0x56, HasTL0PICIDX: true, pictureIDAt: 2, tl0At: 3},
		},
		{
			"VP8, KEYIDX is no TID", VP8, []byte{0x90, 0x10, 0xff, 0x01},
			Descriptor{Start: true},
		},
		{
			"VP9, not flexible", VP9, []byte{0xec, 0x92, 0x34, 0x52, 0x56, 0x00},
			Descriptor{Start: true, End: true, Temporal: 2, Spatial: 1, Switch: UpAfter, PictureID: 0x1234, PictureIDMask: 0x7fff, TL0PICIDX: 0x56, HasTL0PICIDX: true, pictureIDAt: 1, tl0At: 4},
		},
		{
			"VP9, flexible", VP9, []byte{0xf9, 0x12, 0x24, 0x02, 0x00},
			Descriptor{Start: true, Temporal: 1, Spatial: 2, PictureID: 0x12, PictureIDMask: 0x7f, pictureIDAt: 1},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got Descriptor
			if err := Describe(tc.codec, tc.payload, &got); err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestRewriteIsReadBack(t *testing.T) {
	for _, payload := range [][]byte{
		{0x90, 0xe0, 0x92, 0x34, 0x56, 0xa0, 0x01},
		{0x90, 0xe0, 0x12, 0x56, 0x40, 0x01},
		{0x10, 0x01},
	} {
		for _, id := range []uint16{0, 1, 127, 128, 32767, 32768, 65535} {
			var before, after Descriptor
			if err := Describe(VP8, payload, &before); err != nil {
				t.Fatal(err)
			}
			b := append([]byte(nil), payload...)
			before.Rewrite(b, id, uint8(id))
			if err := Describe(VP8, b, &after); err != nil {
				t.Fatal(err)
			}
			want := before
			want.PictureID = id & before.PictureIDMask
			if before.HasTL0PICIDX {
				want.TL0PICIDX = uint8(id)
			}
			if after != want {
				t.Errorf("%x with picture id %d: got %+v, want %+v", payload, id, after, want)
			}
		}
	}
}

func fuzz(f *testing.F, c Codec, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var before, after Descriptor
		if Describe(c, payload, &before) != nil {
			return
		}
		b := append([]byte(nil), payload...)
		before.Rewrite(b, before.PictureID, before.TL0PICIDX)
		if err := Describe(c, b, &after); err != nil || after != before {
			t.Errorf("%x rewritten with its own numbers is %x: %+v, %v", payload, b, after, err)
		}
	})
}

func FuzzVP8(f *testing.F) {
	fuzz(f, VP8, []byte{0x90, 0xe0, 0x92, 0x34, 0x56, 0xa0, 0x01}, []byte{0x10, 0x00})
}

func FuzzVP9(f *testing.F) {
	fuzz(f, VP9, []byte{0xec, 0x92, 0x34, 0x52, 0x56, 0x00}, []byte{0xf9, 0x12, 0x24, 0x02, 0x00})
}

func FuzzH264(f *testing.F) {
	fuzz(f, H264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}, []byte{0x7c, 0x85, 0x88})
}

func FuzzAV1(f *testing.F) {
	fuzz(f, AV1, []byte{0x00, 0x01, 0x12, 0x02, 0x0a, 0x0b}, []byte{0x10, 0x0a, 0x0b})
}

func TestEveryPrefixOfAPayloadIsReadOrRefused(t *testing.T) {
	for c, payload := range map[Codec][]byte{
		VP8:  {0x90, 0xf0, 0x81, 0x02, 0x07, 0x20, 0x00},
		VP9:  {0xac, 0x92, 0x34, 0x52, 0x56, 0x00},
		H264: {0x78, 0, 2, 0x68, 0xce, 0, 2, 0x67, 0x42},
		AV1:  {0x00, 0x01, 0x12, 0x02, 0x0a, 0x0b},
	} {
		for n := range payload {
			var d Descriptor
			_ = Describe(c, payload[:n:n], &d) // must not read past the end
		}
		if err := Describe(c, nil, new(Descriptor)); err == nil {
			t.Errorf("%v: an empty payload was read", c)
		}
	}
}

func TestClockRates(t *testing.T) {
	for c, want := range map[Codec]uint32{Opus: 48000, PCMU: 8000, PCMA: 8000, G722: 8000, VP8: 90000, H264: 90000, Unknown: 90000} {
		if got := c.ClockRate(); got != want {
			t.Errorf("%v: %d Hz, want %d", c, got, want)
		}
		if got := c.Audio(); got != (want != 90000) {
			t.Errorf("%v is audio: %t", c, got)
		}
	}
}
