package bus

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roomstate is a requester that notes what it is told, and answers when answer says so.
type roomstate struct {
	answer func(ctx context.Context) error

	mu    sync.Mutex
	heard []*busv1.Command
}

func (r *roomstate) Do(ctx context.Context, _ string, cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
	if err := r.answer(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, cmd)
	return &busv1.Reply{}, nil
}

func peer(handle uint64) node.PeerID {
	return node.PeerID{Handle: node.Handle{Session: 1, ID: handle}, Generation: 1}
}

// run publishes, and returns what roomstate had heard when the node had ended.
func run(r *roomstate, publish func(*Events)) (*Events, []*busv1.Command) {
	e := NewEvents("node-0", "id-0", r, nil, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { e.Run(ctx) })
	publish(e)
	cancel()
	wg.Wait()
	return e, r.heard
}

func TestEventsOfAPeerStayInOrder(t *testing.T) {
	r := &roomstate{answer: func(context.Context) error { return nil }}
	_, heard := run(r, func(e *Events) {
		for i := range 40 {
			for handle := range uint64(3) {
				e.Publish(peer(handle), node.SlowLink{Lost: uint32(i)})
			}
		}
	})
	next := map[uint64]uint32{}
	for _, cmd := range heard {
		if lost := cmd.GetPeer().GetSlowLink().GetLost(); lost != next[cmd.GetHandleId()] {
			t.Fatalf("handle %d: %d, want %d", cmd.GetHandleId(), lost, next[cmd.GetHandleId()])
		}
		next[cmd.GetHandleId()]++
	}
	if len(heard) != 120 {
		t.Errorf("heard %d", len(heard))
	}
}

func TestWhatMattersOutlivesAFullQueue(t *testing.T) {
	open := make(chan struct{})
	r := &roomstate{answer: func(context.Context) error { <-open; return nil }}
	e, heard := run(r, func(e *Events) {
		e.Publish(peer(1), node.Up{})
		for i := range 3 * maxQueued {
			e.Publish(peer(1), node.Layer{MID: "0", Substream: &i})
		}
		e.Publish(peer(1), node.Closed{Reason: "DTLS alert"})
		close(open)
	})
	if heard[0].GetPeer().GetUp() == nil || heard[len(heard)-1].GetPeer().GetClosed().GetReason() != "DTLS alert" {
		t.Errorf("first %v, last %v", heard[0], heard[len(heard)-1])
	}
	if last := heard[len(heard)-2].GetPeer().GetLayer().GetSubstream(); last != 3*maxQueued-1 {
		t.Errorf("last layer is %d", last)
	}
	if e.Dropped() == 0 || int(e.Dropped())+len(heard) != 3*maxQueued+2 {
		t.Errorf("%d dropped, %d heard", e.Dropped(), len(heard))
	}
}

func TestNodeEndsThoughNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &roomstate{answer: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		began := time.Now()
		e, _ := run(r, func(e *Events) {
			e.Publish(peer(1), node.Up{})
			e.Publish(peer(1), node.Closed{})
		})
		if took := time.Since(began); took != flushGrace {
			t.Errorf("took %v", took)
		}
		if e.Dropped() != 2 {
			t.Errorf("%d dropped", e.Dropped())
		}
	})
}

func TestWhereAPeerIsIsToldUntilRoomstateTakesIt(t *testing.T) {
	for name, test := range map[string]struct {
		event node.Event
		why   fault.Reason
		tries int
	}{
		"busy":         {node.Moved{}, fault.TooBusy, 3},
		"refused":      {node.Moved{}, fault.NoSuchPeer, 1},
		"passing news": {node.SlowLink{}, fault.TooBusy, 1},
		"for good":     {node.Closed{}, fault.NodeUnavailable, redeliveries},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, ids := 0, map[string]bool{}
				e := NewEvents("node-0", "id-0", requesterFunc(func(cmd *busv1.Command) error {
					tries++
					ids[cmd.GetId()] = true
					if test.tries == 3 && tries == 3 {
						return nil
					}
					return fault.New(test.why, nil)
				}), nil, slog.New(slog.DiscardHandler))
				e.Publish(peer(1), test.event)
				e.wg.Wait()
				e.cancel()
				if tries != test.tries || len(ids) != tries {
					t.Errorf("%d tries with %d ids", tries, len(ids))
				}
			})
		})
	}
}

type requesterFunc func(cmd *busv1.Command) error

func (f requesterFunc) Do(_ context.Context, _ string, cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
	return &busv1.Reply{}, f(cmd)
}
