package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/janus"
)

const (
	plugin = "janus.plugin.videoroom"

	pingInterval  = time.Second            // of the socket, which its edge answers by itself
	silence       = 3 * time.Second        // of an edge, after which it counts as gone
	probeInterval = 500 * time.Millisecond // between requests that a replica and Redis answer
	patience      = 40 * time.Second       // for an answer; an edge gives up after 20 s
	dialTimeout   = 2 * time.Second
	redialPause   = 100 * time.Millisecond
	late          = 1500 * time.Millisecond // from when signalling does not count as well
)

// session is a Janus session with one handle, which goes from edge to edge as these go.
type session struct {
	name    string
	log     *slog.Logger
	urls    []string // of the edges
	next    int      // of them, that is dialled next
	hear    func(janus.Message)
	cancel  context.CancelFunc
	running sync.WaitGroup

	id, handle uint64 // fixed once open

	mu      sync.Mutex // guards what follows
	conn    *janus.Conn
	renewed chan struct{} // closed and renewed with each conn
	lost    error
	pending map[uint64]time.Time // requests, and when they were first sent
	last    uint64
	seen    Sight
	well    time.Time // when a request was answered last
}

// errLost means that the session is no more.
var errLost = errors.New("session lost")

// open makes a session and a handle at the edge of that number. hear gets events, and must not wait.
func open(ctx context.Context, log *slog.Logger, name string, urls []string, first int, hear func(janus.Message)) (*session, error) {
	s := &session{name: name, log: log.With("client", name), urls: urls, next: first, hear: hear, renewed: make(chan struct{}), pending: map[uint64]time.Time{}}
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	if s.id, err = conn.Create(ctx); err == nil {
		s.handle, err = conn.Attach(ctx, s.id, plugin)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	running, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.conn, s.well = conn, time.Now()
	s.running.Go(func() { s.stay(running, conn) })
	s.running.Go(func() { s.probe(running) })
	return s, nil
}

func (s *session) dial(ctx context.Context) (*janus.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	url := s.urls[s.next%len(s.urls)]
	s.next++
	return janus.Dial(ctx, url, s.heard)
}

// stay keeps the session on some edge.
func (s *session) stay(ctx context.Context, conn *janus.Conn) {
	for {
		s.watch(ctx, conn)
		_ = conn.Close()
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		s.conn = nil
		s.mu.Unlock()
		for conn = nil; conn == nil; {
			var err error
			if conn, err = s.claim(ctx); err != nil {
				s.log.Info("redial", "err", err)
				select {
				case <-time.After(redialPause):
				case <-ctx.Done():
					return
				}
			}
			if s.Lost() != nil {
				return
			}
		}
		s.mu.Lock()
		s.conn = conn
		close(s.renewed)
		s.renewed = make(chan struct{})
		s.mu.Unlock()
	}
}

// watch returns when the socket has ended, or its edge is silent.
func (s *session) watch(ctx context.Context, conn *janus.Conn) {
	for {
		select {
		case <-conn.Done():
			return
		case <-ctx.Done():
			return
		case <-time.After(pingInterval):
		}
		limited, cancel := context.WithTimeout(ctx, silence)
		_, err := conn.Request(limited, janus.Object{"janus": "ping"})
		cancel()
		if err != nil {
			s.log.Info("edge is silent", "err", err)
			return
		}
	}
}

// claim takes the session to the next edge.
func (s *session) claim(ctx context.Context) (*janus.Conn, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = conn.Request(ctx, janus.Object{"janus": "claim", "session_id": s.id})
	if err != nil {
		_ = conn.Close()
		if e, ok := errors.AsType[*janus.APIError](err); ok && e.Code == 458 { // no such session
			s.lose(fmt.Errorf("claim: %w", err))
		}
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Claims++
	s.seen.Claim = max(s.seen.Claim, time.Since(began))
	s.log.Info("claimed", "took_ms", time.Since(began).Milliseconds())
	return conn, nil
}

// probe asks again and again for something that takes the whole way.
func (s *session) probe(ctx context.Context) {
	for {
		select {
		case <-time.After(probeInterval):
		case <-ctx.Done():
			return
		}
		_, err := s.message(ctx, janus.Object{"request": "exists", "room": 1234}, nil)
		if errors.Is(err, errLost) {
			return
		}
	}
}

// message sends a plugin message.
func (s *session) message(ctx context.Context, body janus.Object, jsep *janus.JSEP) (janus.Message, error) {
	return s.messageOn(ctx, s.handle, body, jsep)
}

// messageOn does so on another handle of the session.
func (s *session) messageOn(ctx context.Context, handle uint64, body janus.Object, jsep *janus.JSEP) (janus.Message, error) {
	o := janus.Object{"janus": "message", "handle_id": handle, "body": body}
	if jsep != nil {
		o["jsep"] = jsep
	}
	return s.ask(ctx, o)
}

// ask sends a request of the session, and sends it again on the next socket if its own ends.
func (s *session) ask(ctx context.Context, o janus.Object) (janus.Message, error) {
	o["session_id"] = s.id
	began := time.Now()
	s.mu.Lock()
	s.last++
	number := s.last
	s.pending[number] = began
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.pending, number)
	}()
	for {
		conn, err := s.current(ctx)
		if err != nil {
			return janus.Message{}, err
		}
		limited, cancel := context.WithTimeout(ctx, patience)
		m, err := conn.Request(limited, maps.Clone(o))
		cancel()
		_, refused := errors.AsType[*janus.APIError](err)
		if err == nil || refused {
			s.answered(began, err)
			return m, err
		}
		if ctx.Err() != nil {
			return janus.Message{}, ctx.Err()
		}
		s.log.Info("request is sent again", "request", o["janus"], "err", err)
		if !errors.Is(err, janus.ErrClosed) {
			_ = conn.Close()
		}
		select {
		case <-conn.Done():
		case <-ctx.Done():
		}
	}
}

// answered notes that a request that began then has been answered.
func (s *session) answered(began time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Request = max(s.seen.Request, time.Since(began))
	e, refused := errors.AsType[*janus.APIError](err)
	if refused && !repeatOf(e) {
		s.seen.Refused++
		s.log.Info("refused", "err", err)
		return
	}
	s.well = time.Now()
}

// repeatOf says whether an error is what a join (425), a leave (424, 426) or a detach (459) gets that had taken effect before its
// answer was lost, and was sent again.
func repeatOf(e *janus.APIError) bool {
	return e.Code == 425 || e.Code == 424 || e.Code == 426 || e.Code == 459
}

// current waits for a socket on which the session is.
func (s *session) current(ctx context.Context) (*janus.Conn, error) {
	for {
		s.mu.Lock()
		conn, lost, renewed := s.conn, s.lost, s.renewed
		s.mu.Unlock()
		if lost != nil {
			return nil, lost
		}
		if conn != nil {
			select {
			case <-conn.Done(): // stay will find it
			default:
				return conn, nil
			}
		}
		select {
		case <-renewed:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *session) heard(m janus.Message) {
	switch {
	case m.Sender != 0 && m.Sender != s.handle: // of another handle, that a guest has had
	case m.Janus == "hangup":
		s.mu.Lock()
		s.seen.Hangups++
		s.mu.Unlock()
		s.lose(fmt.Errorf("hangup: %s", m.Reason))
	case m.Janus == "timeout" || m.Janus == "detached":
		s.lose(fmt.Errorf("%s: %s", m.Janus, m.Reason))
	}
	if m.JSEP != nil && m.JSEP.Type == "offer" {
		s.mu.Lock()
		s.seen.Descriptions++
		s.mu.Unlock()
	}
	s.hear(m)
}

func (s *session) lose(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.log.Warn("lost", "err", err)
		s.lost = fmt.Errorf("%w: %w", errLost, err)
		s.seen.CallsLost++
	}
}

// Lost is of Client.
func (s *session) Lost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// Name is of Client.
func (s *session) Name() string { return s.name }

// Reset is of Client.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = Sight{}
}

// Seen is of Client. A request that waits still counts with the time so far.
func (s *session) Seen() Sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	for _, began := range s.pending {
		seen.Request = max(seen.Request, time.Since(began))
	}
	return seen
}

// Well is of Client.
func (s *session) Well() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != nil {
		return s.lost
	}
	if waits := time.Since(s.well); waits > late {
		return fmt.Errorf("no answer for %v", waits.Round(100*time.Millisecond))
	}
	return nil
}

// Close ends the session.
func (s *session) Close() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Send(janus.Object{"janus": "destroy", "session_id": s.id, "transaction": "destroy"})
	}
	s.cancel()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// candidate reads a trickle of the server's, "" if it is none or says that there are no more.
func candidate(m janus.Message) string {
	var body struct {
		Candidate struct {
			Candidate string `json:"candidate"`
		} `json:"candidate"`
	}
	if m.Janus != "trickle" || json.Unmarshal(m.Raw, &body) != nil {
		return ""
	}
	return body.Candidate.Candidate
}

// Move has somebody move the session's peer.
func (s *session) Move(by func(session, handle uint64) error) error { return by(s.id, s.handle) }
