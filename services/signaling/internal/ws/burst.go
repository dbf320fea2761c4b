package ws

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// burstBytes is how much is kept of what is written until it is sent, though more is to come.
const burstBytes = 16 << 10

// burst is a connection that keeps what is written while more is to come: frames that wait for one socket take one system call.
type burst struct {
	net.Conn

	mu       sync.Mutex // guards what follows: pongs are written by who reads
	holds    bool
	held     *[]byte // nil for nothing
	deadline time.Time
}

var bursts = sync.Pool{New: func() any { return new(make([]byte, 0, burstBytes)) }}

// hold keeps what is written from now on, until flush.
func (b *burst) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds = true
}

// flush sends what is held.
func (b *burst) flush(deadline time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds, b.deadline = false, deadline
	if b.held == nil {
		return nil
	}
	return b.send(nil)
}

// Write is of a net.Conn. What is held is not known to have been sent until flush has returned.
func (b *burst) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.holds && b.held == nil && len(p) < burstBytes {
		b.held, _ = bursts.Get().(*[]byte)
	}
	if b.holds && b.held != nil && len(*b.held)+len(p) <= burstBytes {
		*b.held = append(*b.held, p...)
		return len(p), nil
	}
	if err := b.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send sends what is held, and p after it.
func (b *burst) send(p []byte) error {
	if err := b.Conn.SetWriteDeadline(b.deadline); err != nil {
		return err
	}
	if b.held == nil {
		_, err := b.Conn.Write(p)
		return err
	}
	held := b.held
	b.held = nil
	var err error
	if len(p) == 0 {
		_, err = b.Conn.Write(*held)
	} else {
		both := net.Buffers{*held, p}
		_, err = both.WriteTo(b.Conn)
	}
	*held = (*held)[:0]
	bursts.Put(held)
	return err
}

// SetWriteDeadline is of a net.Conn. It counts from the next send on.
func (b *burst) SetWriteDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadline = t
	return nil
}

// CloseWrite says that nothing more is sent, if the connection can say so.
func (b *burst) CloseWrite() error {
	half, ok := b.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// gathering has a socket's connection taken over from HTTP be a burst.
type gathering struct {
	http.ResponseWriter
	socket *Socket
}

// Hijack is of an http.Hijacker.
func (g gathering) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(g.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	g.socket.burst = &burst{Conn: conn}
	return g.socket.burst, rw, nil
}
