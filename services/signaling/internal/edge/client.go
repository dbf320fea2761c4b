package edge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

var errTooManySessions = errors.New("too many sessions")

// Client is a socket and what it has under way.
type Client struct {
	edge    *Edge
	socket  Socket
	slots   chan struct{} // one for each request under way
	closed  chan struct{}
	request string // its id, of one over HTTP
	polled  bool   // it is one request over HTTP: answered once, when all is done; what it makes belongs to no socket here

	mu     sync.Mutex
	owned  map[uint64]*session
	making int // sessions
}

// Open takes a new socket on.
func (e *Edge) Open(socket Socket) *Client {
	e.noteSocket(socket, false, true)
	return e.newClient(socket)
}

func (e *Edge) newClient(socket Socket) *Client {
	return &Client{
		edge: e, socket: socket, slots: make(chan struct{}, e.opt.SocketPending),
		closed: make(chan struct{}), owned: map[uint64]*session{},
	}
}

// Close says that the socket is gone: the sessions that it owned are lost, or wait for a claim.
func (c *Client) Close() {
	c.edge.noteSocket(c.socket, false, false)
	close(c.closed)
	c.mu.Lock()
	owned := slices.Collect(maps.Values(c.owned))
	c.mu.Unlock()
	for _, s := range owned {
		s.lane.post(func() { s.lose(c) })
	}
}

// Receive takes one message of the socket. It returns when the requests in it are queued, which takes as long as
// the socket has too many under way.
func (c *Client) Receive(message []byte) {
	values, bad := janus.Split(message)
	if bad != nil {
		c.refuse(c.edge.ctx, &janus.Request{}, bad)
		return
	}
	for _, value := range values {
		req, bad := janus.Parse(value)
		if bad != nil {
			c.refuse(c.edge.ctx, &req, bad)
			continue
		}
		c.dispatch(&req)
	}
}

func (c *Client) refuse(ctx context.Context, req *janus.Request, err *janus.Error) {
	traceRefused(ctx, err)
	c.edge.metrics.refused(err.Code)
	if c.edge.refusals.Allow() {
		traces.Log(ctx, c.edge.log).Info("request refused", "session", req.SessionID, "handle", req.HandleID, "tx", req.Transaction,
			"code", err.Code, "reason", err.Reason, "remote", c.socket.Remote())
	}
	c.socket.Send(req.ErrorResponse(err))
}

func (c *Client) dispatch(req *janus.Request) {
	if req.SessionID == 0 {
		switch req.Name {
		case "ping":
			c.socket.Send(req.Pong())
			return
		case "info":
			if done := c.turn(req); done != nil {
				c.queue(req, laneKey{}, done, func(ctx context.Context) { c.info(ctx, req) })
			}
			return
		}
	}
	if req.SessionID == 0 {
		id := req.ChosenID()
		c.admit(req, laneKey{session: id}, func(ctx context.Context, _ grant) { c.create(ctx, req, id) })
		return
	}
	cmd, bad := req.Command()
	if bad == nil {
		bad = c.oversized(req, cmd)
	}
	if bad == nil && cmd.GetClaim() != nil {
		c.admit(req, laneKey{session: req.SessionID}, func(ctx context.Context, _ grant) { c.claim(ctx, req, cmd) })
		return
	}
	c.admit(req, laneKey{req.SessionID, req.HandleID}, func(ctx context.Context, g grant) {
		if a := cmd.GetAttach(); a != nil {
			a.Token, a.Restricted, a.AllowedPlugins, a.Rights = g.kept, g.restricted, g.plugins, g.rights
		}
		c.perform(ctx, req, cmd, bad)
	})
}

// admit queues a task if the request has the right to it. What can be told here is told at once; of stored tokens
// roomstate knows.
func (c *Client) admit(req *janus.Request, key laneKey, task func(ctx context.Context, g grant)) {
	done := c.turn(req)
	if done == nil {
		return
	}
	secret, token := req.Secret(), req.Token()
	if !c.edge.opt.Auth.asks() {
		g, err := c.edge.authorize(c.edge.ctx, secret, token)
		if err != nil {
			done()
			c.refuse(c.edge.ctx, req, janus.FromFault(err))
			return
		}
		c.queue(req, key, done, func(ctx context.Context) { task(ctx, g) })
		return
	}
	c.queue(req, key, done, func(ctx context.Context) {
		g, err := c.edge.authorize(ctx, secret, token)
		if err != nil {
			c.refuse(ctx, req, janus.FromFault(err))
			return
		}
		task(ctx, g)
	})
}

// queue runs task in the lane of key, when the socket has a slot free. What belongs to no session or handle keeps
// no order: it has a lane of its own. done is called when the task has run, or will not.
func (c *Client) queue(req *janus.Request, key laneKey, done func(), task func(ctx context.Context)) {
	select {
	case c.slots <- struct{}{}:
	case <-c.closed:
		done()
		return
	}
	deadline := time.Now().Add(c.edge.opt.AnswerTimeout) // counted from here: its turn may come late
	traced, span := c.trace(req)
	run := func() {
		defer func() { done(); <-c.slots }()
		defer span.End()
		ctx, cancel := context.WithDeadline(traced, deadline)
		defer cancel()
		task(ctx)
	}
	if key == (laneKey{}) {
		c.edge.wg.Go(run)
		return
	}
	c.edge.lanes.post(key, run)
}

func (c *Client) info(ctx context.Context, req *janus.Request) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	rest, err := c.edge.bus.Info(ctx)
	if err != nil {
		c.refuse(ctx, req, janus.FromFault(err))
		return
	}
	message, err := req.ServerInfo(c.edge.opt.Info, rest)
	if err != nil {
		traces.Log(ctx, c.edge.log).Error("info", "err", err)
		c.refuse(ctx, req, janus.FromFault(err))
		return
	}
	c.socket.Send(message)
}

// do sends the command as this socket's, with the ack, where there is one, before the event that answers it.
func (c *Client) do(ctx context.Context, req *janus.Request, cmd *busv1.Command) (*busv1.Reply, error) {
	return c.doAfter(ctx, req, cmd, c.deliveredOf(cmd.GetSessionId()))
}

// doAfter is do, with the number of the last event that the session's owner was given.
func (c *Client) doAfter(ctx context.Context, req *janus.Request, cmd *busv1.Command, delivered uint64) (*busv1.Reply, error) {
	cmd.Id = c.edge.newCommandID()
	cmd.Socket = &busv1.Socket{Edge: c.edge.opt.Name, Id: c.socket.ID(), Remote: c.socket.Remote()}
	cmd.Delivered = delivered
	var acked atomic.Bool
	var once sync.Once
	ack := func(plugin string) {
		once.Do(func() { acked.Store(true); c.socket.Send(req.AckOf(plugin)) })
	}
	accepted := ack
	if c.polled { // events wait for polls, at any edge
		accepted = nil
	} else {
		cmd.Socket.Events = c.edge.opt.Bundles
		defer c.edge.expectAck(cmd.GetId(), ack)()
	}
	began := time.Now()
	reply, err := c.edge.bus.Do(ctx, cmd, accepted)
	if err == nil && reply.GetDone().GetAsync() {
		ack(reply.GetDone().GetPlugin())
	}
	for _, ev := range reply.GetRaised() {
		c.edge.Hear(ev)
	}
	c.edge.metrics.answered(req.Name, err, time.Since(began))
	if err != nil && acked.Load() {
		err = &afterAckError{err}
	}
	return reply, err
}

// afterAckError is what went wrong with a request whose ack has been sent.
type afterAckError struct{ error }

func (e *afterAckError) Unwrap() error { return e.error }

// deliveredOf is 0 while it is not known.
func (c *Client) deliveredOf(session uint64) uint64 {
	c.mu.Lock()
	s := c.owned[session]
	c.mu.Unlock()
	if s == nil {
		return 0
	}
	return s.taken(c.socket)
}

// perform does all requests but create, claim and those without a session. bad, if not nil, is what is wrong with
// the request; it is told only if its session and handle exist.
func (c *Client) perform(ctx context.Context, req *janus.Request, cmd *busv1.Command, bad *janus.Error) {
	if a := cmd.GetAttach(); a != nil {
		a.NewHandleId = randomID()
	}
	if bad == nil {
		bad = c.overTrickled(req, cmd)
	}
	reply, err := c.do(ctx, req, cmd)
	if err == nil {
		c.noteTrickled(req, cmd)
	}
	s := c.edge.session(req.SessionID)
	switch {
	case err != nil:
		if s != nil && fault.Of(err) == fault.SessionNotFound {
			s.run(s.drop)
		}
		if fault.Of(err) == fault.BadTrickle {
			c.refuse(ctx, req, bad)
			return
		}
		c.failed(ctx, req, err)
		return
	case bad != nil && cmd.GetTrickle() == nil:
		c.refuse(ctx, req, bad)
		return
	case cmd.GetDestroy() != nil && s != nil:
		s.run(s.drop)
	case reply.GetPlugin() != nil && s != nil:
		// What a synchronous request raised comes before its answer, as at Janus.
		s.awaitEvent(ctx, reply.GetLastEvent())
	}
	c.answer(req, cmd, reply)
	if s != nil {
		s.awaitEvent(ctx, reply.GetLastEvent())
	}
}

func (c *Client) answer(req *janus.Request, cmd *busv1.Command, reply *busv1.Reply) {
	switch cmd.GetVerb().(type) {
	case *busv1.Command_Touch, *busv1.Command_Trickle:
		c.socket.Send(req.Ack())
	case *busv1.Command_Attach:
		c.socket.Send(req.Attached(cmd.GetAttach().GetNewHandleId()))
	case *busv1.Command_Message:
		if answer := reply.GetPlugin(); answer != nil {
			c.socket.Send(req.PluginAnswer(answer, c.edge.opt.OpaqueIDs))
		}
	default:
		c.socket.Send(req.Success())
	}
}

func (c *Client) failed(ctx context.Context, req *janus.Request, err error) {
	if fault.Of(err) == fault.Internal {
		traces.Log(ctx, c.edge.log).Error("request failed", "session", req.SessionID, "handle", req.HandleID, "tx", req.Transaction, "err", err)
	}
	if _, acked := errors.AsType[*afterAckError](err); acked {
		switch fault.Of(err) {
		case fault.SessionNotFound, fault.HandleNotFound:
			return // there is nobody left to tell; Janus says nothing either
		}
	}
	c.refuse(ctx, req, janus.FromFault(err))
}

// create makes a session, under id if the endpoint chose one.
func (c *Client) create(ctx context.Context, req *janus.Request, id uint64) {
	chosen := id != 0
	for {
		if !chosen {
			id = randomID()
		}
		err := c.createAs(ctx, req, id, chosen)
		switch {
		case err == nil:
			c.socket.Send(req.Created(id))
			return
		case errors.Is(err, errTooManySessions):
			c.refuse(ctx, req, janus.TooMany("sessions"))
			return
		case chosen || fault.Of(err) != fault.SessionIDInUse:
			req.SessionID = id // the error repeats a clashing id
			if fault.Of(err) != fault.SessionIDInUse {
				req.SessionID = 0
			}
			c.failed(ctx, req, err)
			return
		}
	}
}

func (c *Client) createAs(ctx context.Context, req *janus.Request, id uint64, chosen bool) error {
	cmd := &busv1.Command{
		SessionId: id, Transaction: req.Transaction,
		Verb: &busv1.Command_Create{Create: &busv1.Create{Chosen: chosen, Request: c.request}},
	}
	if c.polled {
		_, err := c.do(ctx, req, cmd)
		return err
	}
	if !c.reserve() {
		return errTooManySessions
	}
	defer c.unreserve()
	s, made, err := c.edge.hold(id)
	if err != nil {
		return err
	}
	if !made {
		return fault.New(fault.SessionIDInUse, nil)
	}
	if _, err := c.do(ctx, req, cmd); err != nil {
		s.run(s.drop)
		return err
	}
	s.run(func() { s.take(c) })
	return nil
}

// claim makes this socket the owner of a session.
func (c *Client) claim(ctx context.Context, req *janus.Request, cmd *busv1.Command) {
	if c.polled {
		c.claimForPolls(ctx, req, cmd)
		return
	}
	var delivered uint64
	if s := c.edge.session(req.SessionID); s != nil {
		delivered = s.delivered.Load()
	} else {
		// The edge that holds the session, if one does, is to stop, and knows what it has sent.
		delivered = c.edge.bus.Release(ctx, req.SessionID)
	}
	s, _, err := c.edge.hold(req.SessionID)
	if errors.Is(err, errTooManySessions) {
		c.refuse(ctx, req, janus.TooMany("sessions"))
		return
	} else if err != nil {
		c.failed(ctx, req, err)
		return
	}
	s.run(func() { s.claiming = true })
	reply, err := c.doAfter(ctx, req, cmd, delivered)
	if err != nil {
		s.run(s.claimFailed)
		c.failed(ctx, req, err)
		return
	}
	s.run(func() {
		c.socket.Send(req.Success())
		s.claimed(c, reply.GetDone().GetMissed(), reply.GetLastEvent())
	})
}

// reserve takes a place for a session that is being made, unless the socket has as many as it may.
func (c *Client) reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.owned)+c.making >= c.edge.opt.SocketSessions {
		return false
	}
	c.making++
	return true
}

func (c *Client) unreserve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.making--
}

func (c *Client) hasClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// own and disown keep the list of the sessions that end with the socket.
func (c *Client) own(s *session) (alive bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owned[s.id] = s
	return !c.hasClosed()
}

func (c *Client) disown(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.owned, s.id)
}
