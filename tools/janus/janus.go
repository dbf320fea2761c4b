// Package janus is a client of the Janus API over WebSocket and HTTP, for any server that speaks it. It keeps as close to the
// wire as a test needs: messages are JSON objects, and nothing is sent but what the caller asks for.
package janus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

// ErrClosed means that the connection has ended.
var ErrClosed = errors.New("janus connection closed")

// Message is what a server sends: the members that every client looks at, and all of it in Raw.
type Message struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	SessionID   uint64 `json:"session_id"`
	Sender      uint64 `json:"sender"`
	Reason      string `json:"reason"`
	Data        struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	Error *struct {
		Code   int    `json:"code"`
		Reason string `json:"reason"`
	} `json:"error"`
	Plugin struct {
		Data json.RawMessage `json:"data"`
	} `json:"plugindata"`
	JSEP *JSEP `json:"jsep"`

	Raw json.RawMessage `json:"-"`
}

// JSEP is an offer or an answer.
type JSEP struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// Object is a JSON object to be sent.
type Object = map[string]any

// link is how messages go to and fro.
type link interface {
	read() ([]byte, error) // waits; fails when the link is closed
	write(text []byte) error
	close() error
}

// socket is a link by WebSocket.
type socket struct{ *websocket.Conn }

func (s socket) read() ([]byte, error)   { _, b, err := s.ReadMessage(); return b, err }
func (s socket) write(text []byte) error { return s.WriteMessage(websocket.TextMessage, text) }
func (s socket) close() error            { return s.Close() }

// Conn is one WebSocket, or what is like it over HTTP.
type Conn struct {
	link  link
	hear  func(Message)
	done  chan struct{} // closed when the reader has ended
	cause error         // why; set before done is closed

	writing sync.Mutex

	mu      sync.Mutex
	next    uint64
	waiting map[string]chan Message
}

// Dial connects, by the scheme of url: ws, wss, http or https. Over HTTP the events of sessions that are created on the
// Conn are polled. hear, which must not wait, gets every message that answers no Request: events, acks of asynchronous
// messages, and answers that nobody waits for.
func Dial(ctx context.Context, url string, hear func(Message)) (*Conn, error) {
	if strings.HasPrefix(url, "http") {
		return start(dialHTTP(url), hear), nil
	}
	dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}}
	ws, resp, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", url, err)
	}
	_ = resp.Body.Close()
	return start(socket{ws}, hear), nil
}

func start(l link, hear func(Message)) *Conn {
	c := &Conn{link: l, hear: hear, done: make(chan struct{}), waiting: map[string]chan Message{}}
	go c.read()
	return c
}

// Close drops the connection and waits for its reader.
func (c *Conn) Close() error {
	err := c.link.close()
	<-c.done
	return err
}

// Done is closed when the connection has ended, by whichever side.
func (c *Conn) Done() <-chan struct{} { return c.done }

func (c *Conn) read() {
	defer close(c.done)
	for {
		b, err := c.link.read()
		if err != nil {
			c.cause = fmt.Errorf("%w: %w", ErrClosed, err)
			return
		}
		m := Message{Raw: b}
		err = json.Unmarshal(b, &m)
		if _, odd := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !odd { // an odd id may be an echo of ours
			c.cause = fmt.Errorf("%w: not JSON: %.200q", ErrClosed, b)
			return
		}
		c.mu.Lock()
		ch, ok := c.waiting[m.Transaction]
		final := ok && m.Janus != "ack"
		if final {
			delete(c.waiting, m.Transaction)
		}
		c.mu.Unlock()
		switch {
		case final:
			ch <- m
		default:
			c.hear(m)
		}
	}
}

// SendRaw sends text as it is.
func (c *Conn) SendRaw(text []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.link.write(text)
}

// Send sends o without waiting for an answer.
func (c *Conn) Send(o Object) error {
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.SendRaw(b)
}

// Request sends o under a new transaction and returns the answer that is not an ack: of an asynchronous message, its
// event. For requests that are only acked, use Acked.
func (c *Conn) Request(ctx context.Context, o Object) (Message, error) {
	ch := make(chan Message, 1)
	c.mu.Lock()
	c.next++
	transaction := "t" + strconv.FormatUint(c.next, 10)
	c.waiting[transaction] = ch
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, transaction)
		c.mu.Unlock()
	}()
	o["transaction"] = transaction
	if err := c.Send(o); err != nil {
		return Message{}, err
	}
	select {
	case m := <-ch:
		return m, m.fault()
	case <-c.done:
		return Message{}, c.cause
	case <-ctx.Done():
		return Message{}, fmt.Errorf("no answer to %v: %w", o["janus"], ctx.Err())
	}
}

// APIError is an error response, or an error of a plugin.
type APIError struct {
	Code   int
	Reason string
}

func (e *APIError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Reason) }

func (m *Message) fault() error {
	if m.Error != nil {
		return &APIError{m.Error.Code, m.Error.Reason}
	}
	var data struct {
		Code  int    `json:"error_code"`
		Error string `json:"error"`
	}
	if len(m.Plugin.Data) > 0 && json.Unmarshal(m.Plugin.Data, &data) == nil && data.Code != 0 {
		return &APIError{data.Code, data.Error}
	}
	return nil
}

// Create makes a session.
func (c *Conn) Create(ctx context.Context) (session uint64, err error) {
	m, err := c.Request(ctx, Object{"janus": "create"})
	return m.Data.ID, err
}

// Attach makes a handle.
func (c *Conn) Attach(ctx context.Context, session uint64, plugin string) (handle uint64, err error) {
	m, err := c.Request(ctx, Object{"janus": "attach", "session_id": session, "plugin": plugin})
	return m.Data.ID, err
}

// Message sends a plugin message, with jsep if not nil.
func (c *Conn) Message(ctx context.Context, session, handle uint64, body Object, jsep *JSEP) (Message, error) {
	o := Object{"janus": "message", "session_id": session, "handle_id": handle, "body": body}
	if jsep != nil {
		o["jsep"] = jsep
	}
	return c.Request(ctx, o)
}

// KeepAlive refreshes a session's timer.
func (c *Conn) KeepAlive(session uint64) error {
	return c.Send(Object{"janus": "keepalive", "session_id": session, "transaction": "keepalive"})
}
