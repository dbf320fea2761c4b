package keeping

import (
	"github.com/cardea-rtc/cardea/services/media/internal/keep"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/rpc"
)

const (
	// mostInAMessage bounds the bytes of the values of one message, of which two would be as much as a node takes.
	mostInAMessage = 1 << 20
	// besides is what a value takes besides its bytes, at most.
	besides = 64
)

// encode makes values ones that can be sent.
func encode(values []node.Value) ([]rpc.Value, error) {
	all := make([]rpc.Value, len(values))
	for i, v := range values {
		all[i].Value = v
		if v.State == nil {
			continue
		}
		b, err := v.State.Encode()
		if err != nil {
			return nil, err
		}
		if all[i].TooLarge = len(b) > keep.MaxValue; !all[i].TooLarge {
			all[i].Encoded = b
		}
	}
	return all, nil
}

// fill returns how many of the values go into a message, at least one if there is one.
func fill(values []rpc.Value) int {
	size := 0
	for i := range values {
		if size += len(values[i].Encoded) + besides; size > mostInAMessage {
			return max(i, 1)
		}
	}
	return len(values)
}
