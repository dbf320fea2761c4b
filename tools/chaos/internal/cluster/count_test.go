package cluster

import (
	"slices"
	"testing"
)

func TestWhatIsLeftBehindIsTold(t *testing.T) {
	before := Count{"goroutines of media nodes": 300, "sessions": 5, "relays in": 2, "relays out": 2, "goroutines of roomstate-1, start 1": 100, "Redis keys node": 2}
	same := Count{"goroutines of media nodes": 410, "sessions": 5, "relays in": 4, "relays out": 4, "goroutines of roomstate-1, start 1": 130, "goroutines of roomstate-0, start 2": 900, "Redis keys node": 1}
	if left := before.Leaked(same); len(left) > 0 {
		t.Errorf("%q", left)
	}
	more := Count{"goroutines of media nodes": 430, "sessions": 6, "relays in": 1, "relays out": 2, "goroutines of roomstate-1, start 1": 200, "Redis keys room": 1}
	want := []string{"Redis keys room: 1, were 0", "goroutines of media nodes: 430, were 300", "goroutines of roomstate-1, start 1: 200, were 100", "sessions: 6, were 5", "relays: 1 had, 2 sent"}
	if left := before.Leaked(more); !slices.Equal(left, want) {
		t.Errorf("%q", left)
	}
}
