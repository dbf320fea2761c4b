package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// session is a WebSocket with one Janus session and one VideoRoom handle.
type session struct {
	conn       *janus.Conn
	id, handle uint64
	up         chan struct{} // closed when the server says that media can flow

	mu   sync.Mutex
	lost error // why the server has given this endpoint up, if it has
}

func (s *Server) open(ctx context.Context) (*session, error) {
	var once sync.Once
	e := &session{up: make(chan struct{})}
	conn, err := janus.Dial(ctx, s.url, func(m janus.Message) {
		switch m.Janus {
		case "webrtcup":
			once.Do(func() { close(e.up) })
		case "hangup", "timeout", "detached":
			e.lose(fmt.Errorf("server sent %s: %s", m.Janus, m.Reason))
		}
	})
	if err != nil {
		return nil, err
	}
	e.conn = conn
	if e.id, err = conn.Create(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("create session: %w", err)
	}
	if e.handle, err = conn.Attach(ctx, e.id, "janus.plugin.videoroom"); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("attach: %w", err)
	}
	return e, nil
}

// request sends a message to the plugin, with jsep if not nil, and reads what the plugin answers into data.
func (e *session) request(ctx context.Context, body janus.Object, jsep *janus.JSEP, data any) (*janus.JSEP, error) {
	m, err := e.conn.Message(ctx, e.id, e.handle, body, jsep)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", body["request"], err)
	}
	if err := json.Unmarshal(m.Plugin.Data, data); err != nil {
		return nil, fmt.Errorf("%s: answer: %w", body["request"], err)
	}
	return m.JSEP, nil
}

// KeepAlive keeps the session from timing out. A server that has gone is noticed otherwise.
func (e *session) KeepAlive() { _ = e.conn.KeepAlive(e.id) }

func (e *session) lose(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost == nil {
		e.lost = err
	}
}

// Lost tells why the server no longer serves this endpoint, nil if it does.
func (e *session) Lost() error {
	select {
	case <-e.conn.Done():
		e.lose(errors.New("server closed the connection"))
	default:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost
}

// close ends the session, and with it the handle.
func (e *session) close() {
	_ = e.conn.Send(janus.Object{"janus": "destroy", "session_id": e.id, "transaction": "destroy"})
	_ = e.conn.Close()
}
