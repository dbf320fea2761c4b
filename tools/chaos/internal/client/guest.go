package client

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-rtc/cardea/tools/janus"
)

const (
	guestPause = 150 * time.Millisecond // between what a guest does
	firstGuest = 1_000_000              // others in the room have smaller numbers
)

// Guest is one that joins a room and leaves it, again and again, under a new number each time.
type Guest struct {
	*session
	room   uint64
	ledger *Ledger
	stop   context.CancelFunc
	done   chan struct{}
}

// Visit has a guest come to a room that tells of joins (notify_joining).
func (c *Cluster) Visit(ctx context.Context, name string, edge int, room uint64, ledger *Ledger, number uint64) (*Guest, error) {
	g := &Guest{room: room, ledger: ledger, done: make(chan struct{})}
	var err error
	if g.session, err = open(ctx, c.Log, name, c.URLs, edge, func(janus.Message) {}); err != nil {
		return nil, err
	}
	visiting, stop := context.WithCancel(context.Background())
	g.stop = stop
	go func() {
		defer close(g.done)
		g.visit(visiting, firstGuest*(number+1))
	}()
	return g, nil
}

func (g *Guest) visit(ctx context.Context, number uint64) {
	for ; ctx.Err() == nil && g.Lost() == nil; number++ {
		attached, err := g.ask(ctx, janus.Object{"janus": "attach", "plugin": plugin})
		if err != nil {
			continue
		}
		handle := attached.Data.ID
		if g.does(ctx, handle, janus.Object{"request": "join", "ptype": "publisher", "room": g.room, "id": number}, number, joins) {
			g.does(ctx, handle, janus.Object{"request": "leave"}, number, leaves)
		}
		_, _ = g.ask(ctx, janus.Object{"janus": "detach", "handle_id": handle}) // ends with the session, if not now
	}
}

// does says whether it is certain that something has been done, and notes it then.
func (g *Guest) does(ctx context.Context, handle uint64, body janus.Object, number uint64, what told) bool {
	select {
	case <-time.After(guestPause):
	case <-ctx.Done():
		return false
	}
	_, err := g.messageOn(ctx, handle, body, nil)
	if e, ok := errors.AsType[*janus.APIError](err); ok && repeatOf(e) {
		err = nil
	}
	if err != nil {
		return false
	}
	g.ledger.did(number, what)
	return true
}

// Close is of Client.
func (g *Guest) Close() { g.stop(); <-g.done; g.session.Close() }
