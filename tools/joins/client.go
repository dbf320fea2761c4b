package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// client is an endpoint with a WebSocket, a session and a handle of VideoRoom.
type client struct {
	conn            *janus.Conn
	session, handle uint64
}

// dial makes one; events counts what it hears without having asked.
func dial(ctx context.Context, url string, events *atomic.Int64) (*client, error) {
	c := new(client)
	var err error
	if c.conn, err = janus.Dial(ctx, url, func(m janus.Message) {
		if m.Janus == "event" {
			events.Add(1)
		}
	}); err != nil {
		return nil, err
	}
	created, err := c.conn.Request(ctx, janus.Object{"janus": "create"})
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	c.session = created.Data.ID
	attached, err := c.conn.Request(ctx, janus.Object{"janus": "attach", "session_id": c.session, "plugin": "janus.plugin.videoroom"})
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	c.handle = attached.Data.ID
	return c, nil
}

func (c *client) message(ctx context.Context, body janus.Object) error {
	_, err := c.conn.Request(ctx, janus.Object{"janus": "message", "session_id": c.session, "handle_id": c.handle, "body": body})
	return err
}

func (c *client) close() { _ = c.conn.Close() }
