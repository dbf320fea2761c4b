package feedback

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// readArrivals reads b as Handle's callers do.
func readArrivals(b []byte) (all []packetArrival, err error) {
	h := Handler{Arrivals: func(a *Arrivals) {
		reference := time.Duration(a.Reference) * referenceUnit
		for r, more := a.Next(); more; r, more = a.Next() {
			p := packetArrival{Seq: r.Seq, Received: r.Received}
			if r.Received {
				p.Arrival = reference + r.After
			}
			all = append(all, p)
		}
	}}
	err = h.Handle(b)
	return all, err
}

// pionArrivals reads b as pion does.
func pionArrivals(b []byte) ([]packetArrival, error) {
	var fb rtcp.TransportLayerCC
	if err := fb.Unmarshal(b); err != nil {
		return nil, err
	}
	return appendArrivals(nil, &fb), nil
}

func TestArrivalsAreReadAsPionReadsThem(t *testing.T) {
	for name, arrivals := range map[string][]time.Duration{ // of packets one after another; 0 for lost
		"one":        {time.Second},
		"a run":      {1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9},
		"a hole":     {1e9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.1e9},
		"mixed":      {1e9, 1.001e9, 0, 1.2e9, 0, 1.1e9, 1.1005e9, 1.102e9, 0, 1.104e9},
		"late":       {5e9, 4e9, 6e9},
		"many small": slices.Repeat([]time.Duration{1e9, 0}, 40),
	} {
		t.Run(name, func(t *testing.T) {
			var r TWCC
			for i, at := range arrivals {
				if at > 0 {
					r.Record(uint16(65530+i), at)
				}
			}
			b := throughWire(t, r.Append(nil, 1, 2, 0))
			got, err := readArrivals(b)
			want, pionErr := pionArrivals(b)
			if err != nil || pionErr != nil || !slices.Equal(got, want) || len(got) == 0 {
				t.Errorf("read %v %v, want %v %v", got, err, want, pionErr)
			}
		})
	}
}

func TestOneBitVectorsAreRead(t *testing.T) {
	fb := rtcp.TransportLayerCC{
		BaseSequenceNumber: 7, PacketStatusCount: 3, ReferenceTime: 2,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.StatusVectorChunk{
			Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: rtcp.TypeTCCSymbolSizeOneBit,
			SymbolList: []uint16{1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		}},
		RecvDeltas: []*rtcp.RecvDelta{
			{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 1000}, {Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250},
		},
	}
	fb.Header = rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: uint16(fb.MarshalSize()/4 - 1)}
	got, err := readArrivals(throughWire(t, []rtcp.Packet{&fb}))
	want := []packetArrival{{7, true, 129 * time.Millisecond}, {8, false, 0}, {9, true, 129250 * time.Microsecond}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v %v, want %v", got, err, want)
	}
}

func TestArrivalsThatDoNotAddUpAreRefused(t *testing.T) {
	var r TWCC
	for i := range uint16(20) {
		r.Record(i, time.Second+time.Duration(i)*time.Millisecond)
	}
	whole := throughWire(t, r.Append(nil, 1, 2, 0))
	for n := range len(whole) {
		if _, err := NewArrivals(whole[:n]); n < len(whole)-3 && !errors.Is(err, ErrMalformed) { // 3 of padding
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	for name, tail := range map[string][]byte{
		"a run of none":      {0, 0, 0, 1, 0, 0, 0, 0, 0x20, 0},
		"a reserved symbol":  {0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 9, 9},
		"too many":           {0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff},
		"deltas are missing": {0, 0, 0, 9, 0, 0, 0, 0, 0x20, 9, 1, 1},
	} {
		if _, err := NewArrivals(append(slices.Clone(whole[:12]), tail...)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadingArrivalsAllocatesNothing(t *testing.T) {
	var r TWCC
	for i := range uint16(100) {
		r.Record(i, time.Second+time.Duration(i)*time.Millisecond)
	}
	b := throughWire(t, r.Append(nil, 1, 2, 0))
	received := 0
	if n := testing.AllocsPerRun(100, func() {
		a, _ := NewArrivals(b)
		for p, more := a.Next(); more; p, more = a.Next() {
			if p.Received {
				received++
			}
		}
	}); n != 0 || received == 0 {
		t.Errorf("%v allocations, %d received", n, received)
	}
}

func FuzzArrivals(f *testing.F) {
	var r TWCC
	r.Record(1, time.Second)
	r.Record(9, 2*time.Second)
	b, _ := rtcp.Marshal(r.Append(nil, 1, 2, 0))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := NewArrivals(b)
		if err != nil {
			return
		}
		want := a.left
		n := 0
		for _, more := a.Next(); more; _, more = a.Next() {
			n++
		}
		if n != want {
			t.Errorf("%d packets of %d", n, want)
		}
	})
}
