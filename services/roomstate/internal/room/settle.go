package room

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	// settleTime bounds how long it is tried to find out whether a batch was written. Nothing of the room is written meanwhile.
	settleTime = 5 * time.Second
	// settleEvery is how long Redis is left alone between two tries.
	settleEvery = 100 * time.Millisecond
)

// errWritten is of a batch that was written although Redis did not say so, or said so to a request that had to be repeated.
var errWritten = errors.New("written, as was found out later")

// settled finds out whether b was written, after err. What decisions have told is in logs then, and is told with the remembered answers,
// but texts for data channels, posts and what event handlers hear are nowhere: another than this keeper could not tell them.
func (k *Keeper) settled(ctx context.Context, b *batch, err error) bool {
	if _, repeated := errors.AsType[*store.AnsweredError](err); !repeated && !errors.Is(err, store.ErrAway) {
		return false
	}
	at := slices.IndexFunc(b.decisions, func(d *decision) bool { return d.write.Command != "" })
	if at < 0 {
		return false
	}
	d := b.decisions[at]
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for {
		answered, err := k.Store.Answered(ctx, d.write.Command)
		if err == nil {
			return answered != nil && attemptOf(answered) == d.reply.Attempt
		}
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
			return false
		}
	}
}

func attemptOf(answered *store.AnsweredError) uint64 {
	reply := new(busv1.Reply)
	if proto.Unmarshal(answered.Answer, reply) != nil {
		return 0
	}
	return reply.GetAttempt()
}

// answered is the remembered answer to a decision that was written, as an error.
func (k *Keeper) answered(ctx context.Context, d *decision) error {
	answered, err := k.Store.Answered(ctx, d.write.Command)
	switch {
	case err != nil:
		return err
	case answered == nil:
		return store.ErrAway // its sender repeats it, and is answered then
	}
	return answered
}
