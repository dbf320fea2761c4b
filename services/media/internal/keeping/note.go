package keeping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	protobus "github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// renewEvery is how often roomstate is asked whether it has noted what this node has, and whether the node is fenced. After a stop
// it is asked at once.
const renewEvery = 5 * time.Second

// note has roomstate note who the keeper is, and returns what it has noted then, which is another if a later change has come to
// it. ErrFenced if this node counts as dead.
func (h *Holder) note(ctx context.Context, k Keeper) (noted Keeper, err error) {
	parameters, _ := json.Marshal(map[string]any{"node": h.ID, "change": k.Change, "keeper": k.ID}) // of plain values
	ctx, cancel := context.WithTimeout(ctx, registerTime)
	defer cancel()
	reply, err := h.Requests.Do(ctx, protobus.Commands, &busv1.Command{
		Id: protobus.NewCommandID(), Verb: &busv1.Command_Admin{Admin: &busv1.Admin{Request: "keep_node", Parameters: parameters}},
	}, nil)
	switch {
	case fault.Of(err) == fault.WrongState:
		return Keeper{}, ErrFenced
	case err != nil:
		return Keeper{}, fmt.Errorf("have %q noted as the keeper: %w", k.ID, err)
	}
	return readNoted(reply.GetPlugin().GetData(), k), nil
}

// readNoted reads an answer to keep_node. One that does not say what is noted says that it is what was asked for.
func readNoted(answer []byte, asked Keeper) Keeper {
	var noted struct {
		Keeper string `json:"keeper"`
		Change uint64 `json:"change"`
	}
	if err := json.Unmarshal(answer, &noted); err != nil || noted.Change == 0 {
		return asked
	}
	return Keeper{noted.Keeper, noted.Change}
}

// renew notes the keeper again and again until ctx ends, or returns ErrFenced: a node may be fenced by roomstate and have no keeper
// that could tell it. What is not answered changes nothing.
func (h *Holder) renew(ctx context.Context) error {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	last, woken := time.Now(), h.Node.Wakes()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		k, wakes := h.Keeper(), h.Node.Wakes()
		if k.Change == 0 || wakes == woken && time.Since(last) < renewEvery {
			continue
		}
		last, woken = time.Now(), wakes
		switch noted, err := h.note(ctx, k); {
		case errors.Is(err, ErrFenced):
			return err
		case err != nil:
			h.Log.Debug("the keeper is not noted again", "err", err)
		case noted != k:
			select {
			case h.doubts <- doubt{k, noted}:
			default: // there is one
			}
		default:
			h.Node.Resume(wakes)
		}
	}
}

// doubt is where roomstate has noted another keeper than this node has.
type doubt struct{ has, noted Keeper }

// settle notes the present keeper under a higher number if roomstate has noted another, as after a change that took effect when
// this node did not wait for it any more. Where that comes to nothing the next renewal finds it again. The error is ErrFenced.
func (h *Holder) settle(ctx context.Context) error {
	select {
	case h.doubt = <-h.doubts:
	default:
	}
	d := h.doubt
	h.doubt = doubt{}
	if d == h.doubt || d.has != h.Keeper() {
		return nil // that was before the last change
	}
	h.Log.Warn("roomstate has noted another keeper", "keeper", d.has.ID, "noted", d.noted.ID)
	h.changes = max(h.changes, d.noted.Change)
	if err := h.change(ctx, h.current); errors.Is(err, ErrFenced) {
		return err
	} else if err != nil {
		h.Log.Debug("the keeper is not noted again", "err", err)
	}
	return nil
}
