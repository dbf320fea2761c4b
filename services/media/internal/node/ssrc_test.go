package node

import "testing"

func TestSSRCIsDrawnOnceOnly(t *testing.T) {
	s := ssrcs{}
	numbers := []uint32{7, 7, 0, 7, 9, 9, 7, 8}
	draw := func() uint32 {
		next := numbers[0]
		numbers = numbers[1:]
		return next
	}
	for _, want := range []uint32{7, 9, 8} {
		if got := s.new(draw); got != want {
			t.Errorf("drew %d, want %d", got, want)
		}
	}
}
