package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// origin is a node far away.
type origin struct {
	export func(ctx context.Context, leaveAt uint64) (*State, error)
}

func (o origin) Export(ctx context.Context, _ PeerID, leaveAt *uint64) (*State, error) {
	return o.export(ctx, *leaveAt)
}

func (o origin) Dead() bool { return false }

func (o origin) Close() error { return nil }

func TestTheLastWordIsAskedForUntilItIsKnown(t *testing.T) {
	lost := fault.New(fault.NodeUnavailable, errors.New("connection reset"))
	over := fault.New(fault.NoSuchPeer, nil)
	for name, c := range map[string]struct {
		answers []error // nil for a state; the last is repeated
		want    error
		asked   int
	}{
		"at once":            {[]error{nil}, nil, 1},
		"an answer lost":     {[]error{lost, nil}, nil, 2},
		"two answers lost":   {[]error{lost, lost, nil}, nil, 3},
		"it has another":     {[]error{over}, over, 1},
		"lost, then no more": {[]error{lost, over}, over, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				o := origin{func(_ context.Context, leaveAt uint64) (*State, error) {
					err := c.answers[min(asked, len(c.answers)-1)]
					asked++
					if err != nil {
						return nil, err
					}
					return &State{Version: leaveAt}, nil
				}}
				ctx, cancel := context.WithTimeout(t.Context(), takeOverTime)
				defer cancel()
				s, err := lastWord(ctx, o, PeerID{}, 7)
				if !errors.Is(err, c.want) || err == nil && s.Version != 7 || asked != c.asked {
					t.Errorf("%+v, %v, asked %d times", s, err, asked)
				}
			})
		})
	}
}

func TestANodeThatIsSilentIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, begin := 0, time.Now()
		o := origin{func(ctx context.Context, _ uint64) (*State, error) {
			asked++
			<-ctx.Done()
			return nil, fault.New(fault.NodeUnavailable, ctx.Err())
		}}
		ctx, cancel := context.WithTimeout(t.Context(), takeOverTime)
		defer cancel()
		if _, err := lastWord(ctx, o, PeerID{}, 1); err == nil {
			t.Error("an answer")
		}
		if took := time.Since(begin); took != takeOverTime || asked < 3 {
			t.Errorf("asked %d times in %v", asked, took)
		}
	})
}
