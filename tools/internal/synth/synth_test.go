package synth

import (
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
)

func TestVP8CarriesItsStamp(t *testing.T) {
	v := NewVP8(1_500_000)
	var counter uint32
	for n, key := range []bool{true, false, false, true} {
		packets, wantBytes := 6, 6250
		if key {
			packets, wantBytes = 21, 25000
		}
		if got := v.Next(key); got != packets {
			t.Errorf("frame %d has %d packets, want %d", n, got, packets)
		}
		total := 0
		for i := range packets {
			want := Stamp{Stream: 7, Counter: counter, Sent: time.Duration(counter) * time.Hour}
			counter++
			b := v.AppendPacket(nil, i, want)
			if got, ok := ReadVP8(b); !ok || got != want {
				t.Errorf("frame %d packet %d: read %+v, want %+v", n, i, got, want)
			}
			if i < packets-1 && len(b) != MaxPayload {
				t.Errorf("frame %d packet %d: %d bytes", n, i, len(b))
			}
			total += len(checkVP8(t, b, n, i, key))
		}
		if total != wantBytes {
			t.Errorf("frame %d: %d bytes, want %d", n, total, wantBytes)
		}
	}
}

// checkVP8 has another implementation read packet i of frame n, and returns its data.
func checkVP8(t *testing.T, b []byte, n, i int, key bool) []byte {
	t.Helper()
	var p codecs.VP8Packet
	data, err := p.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if p.PictureID != uint16(n) || p.TL0PICIDX != uint8(n) || (p.S == 1) != (i == 0) {
		t.Errorf("frame %d packet %d: descriptor %+v", n, i, p)
	}
	if i == 0 && (data[0]&1 == 0) != key {
		t.Errorf("frame %d: key frame bit is wrong", n)
	}
	if i == 0 && key && [3]byte(data[3:6]) != [3]byte{0x9d, 0x01, 0x2a} {
		t.Errorf("frame %d: start code %x", n, data[3:6])
	}
	return data
}

func TestPictureIDWrapsAt15Bits(t *testing.T) {
	v := NewVP8(100_000)
	v.pictureID = 0x7ffe
	v.Next(false)
	if v.pictureID != 0x7fff {
		t.Errorf("%#x", v.pictureID)
	}
	if v.Next(false); v.pictureID != 0 {
		t.Errorf("%#x", v.pictureID)
	}
}

func TestSmallestFrameHasRoomForItsStamp(t *testing.T) {
	v := NewVP8(1)
	for _, key := range []bool{true, false} {
		packets := v.Next(key)
		if _, ok := ReadVP8(v.AppendPacket(nil, 0, Stamp{})); !ok || packets != 1 {
			t.Errorf("key %v: no stamp, or %d packets", key, packets)
		}
	}
}

func TestVP8IsReadWithAnyDescriptor(t *testing.T) {
	want := Stamp{Stream: 1, Counter: 2, Sent: 3}
	for name, descriptor := range map[string][]byte{
		"none but the first byte": {0x00},
		"7-bit picture id":        {0x80, 0x80, 0x11},
		"TL0PICIDX and TID":       {0x80, 0x60, 0x01, 0x00},
	} {
		if got, ok := ReadVP8(want.appendTo(descriptor)); !ok || got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOpusCarriesItsStamp(t *testing.T) {
	want := Stamp{Stream: 1, Counter: 1 << 31, Sent: time.Second}
	b := Opus{}.AppendPacket(nil, 0, want)
	if got, ok := ReadOpus(b); !ok || got != want || len(b) != opusSize {
		t.Errorf("%d bytes with %+v", len(b), got)
	}
}

func TestPayloadsAreNotAllocated(t *testing.T) {
	v, buf := NewVP8(1_500_000), make([]byte, 0, MaxPayload)
	if n := testing.AllocsPerRun(100, func() {
		v.Next(false)
		ReadVP8(v.AppendPacket(buf, 1, Stamp{}))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzRead(f *testing.F) {
	v := NewVP8(100_000)
	v.Next(true)
	f.Add(v.AppendPacket(nil, 0, Stamp{}))
	f.Add(Opus{}.AppendPacket(nil, 0, Stamp{}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		ReadVP8(b)
		ReadOpus(b)
	})
}
