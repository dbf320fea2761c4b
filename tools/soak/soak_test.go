package main

import (
	"strings"
	"testing"
	"time"
)

func at(seconds int, values map[key]float64) sample {
	return sample{time.Unix(int64(seconds), 0), values}
}

func TestWhatIsLeftOverIsTold(t *testing.T) {
	began := at(0, map[key]float64{{"edge-0", "goroutines"}: 40, {"redis", "keys"}: 10, {"nats", "connections"}: 6, {"media-0", "memory"}: 20 * mib})
	for name, test := range map[string]struct {
		values map[key]float64
		want   []string
	}{
		"as it was": {began.values, nil},
		"within":    {map[key]float64{{"edge-0", "goroutines"}: 65, {"redis", "keys"}: 18, {"nats", "connections"}: 6, {"media-0", "memory"}: 78 * mib}, nil},
		"beyond": {
			map[key]float64{{"edge-0", "goroutines"}: 66, {"redis", "keys"}: 19, {"nats", "connections"}: 7, {"media-0", "memory"}: 79 * mib},
			[]string{"connections of nats: 7", "goroutines of edge-0: 66", "keys of redis: 19", "memory of media-0: 79.0 MiB"},
		},
	} {
		left := compare(began, at(10, test.values), 0)
		if len(left) != len(test.want) {
			t.Errorf("%s: %q", name, left)
			continue
		}
		for i, want := range test.want {
			if !strings.HasPrefix(left[i], want) {
				t.Errorf("%s: %q, want %q", name, left[i], want)
			}
		}
	}
}

func TestEverythingMeasuredHasATolerance(t *testing.T) {
	for _, what := range []string{"goroutines", "descriptors", "memory", "keys", "connections", "subscriptions"} {
		if _, ok := tolerances[what]; !ok {
			t.Errorf("%s has none", what)
		}
	}
}

func TestEachThingIsPlottedForEachOfWhomItIsMeasured(t *testing.T) {
	svg := string(draw([]sample{at(0, map[key]float64{{"a", "keys"}: 1, {"b", "keys"}: 2, {"a", "memory"}: mib}), at(10, map[key]float64{{"a", "keys"}: 3})}))
	if n := strings.Count(svg, "<polyline"); n != 3 {
		t.Errorf("%d lines in %s", n, svg)
	}
	if !strings.Contains(svg, "1.0 MiB") {
		t.Errorf("memory is not shown as such: %s", svg)
	}
}
