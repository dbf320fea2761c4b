package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// Witness is one that stays in a room and is told of all who come and go.
type Witness struct {
	*session
	ledger *Ledger
	number int
	since  time.Time
}

// grace is how long an event may take before it counts as lost, while all else is well.
const grace = 2 * time.Second

// Attend has a witness join a room that tells of joins, before any guest comes.
func (c *Cluster) Attend(ctx context.Context, name string, edge int, room uint64, ledger *Ledger) (*Witness, error) {
	w := &Witness{ledger: ledger, number: ledger.witness(), since: time.Now()}
	var err error
	if w.session, err = open(ctx, c.Log, name, c.URLs, edge, w.hear); err != nil {
		return nil, err
	}
	if _, err := w.message(ctx, janus.Object{"request": "join", "ptype": "publisher", "room": room, "id": w.number + 1}, nil); err != nil {
		w.Close()
		return nil, fmt.Errorf("%s: join: %w", name, err)
	}
	return w, nil
}

func (w *Witness) hear(m janus.Message) {
	var body struct {
		Joining *struct{ ID uint64 }
		Leaving json.RawMessage // a number, or "ok" of oneself
	}
	if m.Janus != "event" || json.Unmarshal(m.Plugin.Data, &body) != nil {
		return
	}
	if body.Joining != nil {
		w.ledger.hear(w.number, body.Joining.ID, joins)
	}
	var gone uint64
	if json.Unmarshal(body.Leaving, &gone) == nil {
		w.ledger.hear(w.number, gone, leaves)
	}
}

// Reset is of Client.
func (w *Witness) Reset() {
	w.session.Reset()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
}

func (w *Witness) tally() (lost, twice []string) {
	w.mu.Lock()
	since := w.since
	w.mu.Unlock()
	return w.ledger.tally(w.number, since, time.Now().Add(-grace))
}

// Seen is of Client.
func (w *Witness) Seen() Sight {
	seen := w.session.Seen()
	lost, twice := w.tally()
	seen.EventsLost, seen.EventsTwice = len(lost), len(twice)
	if len(lost)+len(twice) > 0 {
		w.log.Warn("events", "lost", lost, "twice", twice)
	}
	return seen
}

// Well is of Client.
func (w *Witness) Well() error {
	if lost, _ := w.tally(); len(lost) > 0 {
		return fmt.Errorf("not told of %d events: %v", len(lost), lost)
	}
	return w.session.Well()
}
