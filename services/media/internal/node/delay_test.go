package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

func TestPlayoutDelayBoundsTakeEachOtherAlong(t *testing.T) {
	n := func(v int32) *int32 { return &v }
	var d playoutDelay
	for _, step := range []struct {
		name        string
		least, most *int32
		want        *packet.PlayoutDelay
	}{
		{"nothing said", nil, nil, nil},
		{"least alone", n(10), nil, &packet.PlayoutDelay{Min: 10, Max: 4095}},
		{"most below least", nil, n(5), &packet.PlayoutDelay{Min: 5, Max: 5}},
		{"least above most", n(9), nil, &packet.PlayoutDelay{Min: 9, Max: 9}},
		{"least cleared", n(-1), nil, &packet.PlayoutDelay{Min: 0, Max: 9}},
		{"too much", nil, n(5000), &packet.PlayoutDelay{Min: 0, Max: 4095}},
		{"all cleared", n(-1), n(-1), nil},
	} {
		d.set(step.least, step.most)
		if diff := cmp.Diff(step.want, d.value()); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
}
