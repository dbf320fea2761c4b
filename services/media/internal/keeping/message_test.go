package keeping

import (
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/services/media/internal/keep"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/rpc"
)

func TestMessagesAreBoundedByBytes(t *testing.T) {
	value := func(n int) rpc.Value { return rpc.Value{Encoded: make([]byte, n)} }
	largest := value(keep.MaxValue)
	for name, c := range map[string]struct {
		values []rpc.Value
		want   int
	}{
		"nothing":   {nil, 0},
		"one":       {[]rpc.Value{largest}, 1},
		"two":       {[]rpc.Value{largest, largest}, 1}, // with what they take besides
		"many":      {[]rpc.Value{value(1000), largest, value(400 << 10), largest}, 3},
		"words":     {make([]rpc.Value, 100), 100},
		"too many":  {make([]rpc.Value, 2*mostInAMessage/besides), mostInAMessage / besides},
		"too large": {[]rpc.Value{value(2 * mostInAMessage), value(1)}, 1},
	} {
		if n := fill(c.values); n != c.want {
			t.Errorf("%s: %d of %d, not %d", name, n, len(c.values), c.want)
		}
	}
}

func TestAValueThatIsTooLargeIsNotSent(t *testing.T) {
	large := &node.State{OpaqueID: strings.Repeat("x", keep.MaxValue)}
	got, err := encode([]node.Value{{Serial: 1, State: large}, {Serial: 2, State: &node.State{}}, {Serial: 3}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ tooLarge, sent bool }{{true, false}, {false, true}, {false, false}} {
		if v := got[i]; v.Serial != uint64(i+1) || v.TooLarge != want.tooLarge || len(v.Encoded) > 0 != want.sent {
			t.Errorf("value %d: too large: %t, %d bytes", i+1, v.TooLarge, len(v.Encoded))
		}
	}
}
