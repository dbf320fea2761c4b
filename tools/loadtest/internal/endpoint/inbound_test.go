package endpoint

import (
	"slices"
	"testing"
	"time"
)

func TestSequenceNumbersAreExtendedAndGapsAskedFor(t *testing.T) {
	for _, first := range []uint16{0, 1, 32767, 32768, 65534, 65535} {
		in := &inbound{clockRate: 90000, missing: map[uint64]int{}}
		var got []uint64
		for _, step := range []uint16{0, 1, 4, 3} { // 2 is lost, 3 comes late
			got = append(got, in.count(&header{seq: first + step}, time.Second)-in.first)
		}
		if !slices.Equal(got, []uint64{0, 1, 4, 3}) {
			t.Errorf("from %d: %v", first, got)
		}
		for asked := range maxAsked + 1 {
			want := []uint16{first + 2}
			if asked == maxAsked {
				want = nil
			}
			if wanted := in.wanted(); !slices.Equal(wanted, want) {
				t.Errorf("from %d, asked %d times: %v", first, asked, wanted)
			}
		}
		r := in.report(time.Second)
		if r.TotalLost != 1 || r.FractionLost != 51 || uint16(r.LastSequenceNumber) != first+4 {
			t.Errorf("from %d: %+v", first, r)
		}
	}
}

func TestStreamsThatBeginAnewAreNotAskedFor(t *testing.T) {
	in := &inbound{clockRate: 90000, missing: map[uint64]int{}}
	in.count(&header{seq: 1}, 0)
	in.count(&header{seq: 20000}, 0)
	if wanted := in.wanted(); len(wanted) != 0 {
		t.Errorf("%d", len(wanted))
	}
}
