package edge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

var errTooManySessions = errors.New("too many sessions")

// Client is a socket and what it has under way.
type Client struct {
	edge   *Edge
	socket Socket
	slots  chan struct{} // one for each request under way
	closed chan struct{}

	mu    sync.Mutex
	owned map[uint64]*session
}

// Open takes a new socket on.
func (e *Edge) Open(socket Socket) *Client {
	return &Client{
		edge: e, socket: socket, slots: make(chan struct{}, e.opt.SocketPending),
		closed: make(chan struct{}), owned: map[uint64]*session{},
	}
}

// Close says that the socket is gone: the sessions that it owned are lost, or wait for a claim.
func (c *Client) Close() {
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
		c.refuse(&janus.Request{}, bad)
		return
	}
	for _, value := range values {
		req, bad := janus.Parse(value)
		if bad != nil {
			c.refuse(&req, bad)
			continue
		}
		c.dispatch(&req)
	}
}

func (c *Client) refuse(req *janus.Request, err *janus.Error) {
	c.edge.metrics.refused(err.Code)
	c.socket.Send(req.ErrorResponse(err))
}

func (c *Client) dispatch(req *janus.Request) {
	if req.SessionID == 0 {
		switch req.Name {
		case "ping":
			c.socket.Send(req.Pong())
			return
		case "info":
			c.queue(laneKey{}, func(ctx context.Context) { c.info(ctx, req) })
			return
		}
	}
	if !c.edge.authorized(req.Secret()) {
		c.refuse(req, janus.Unauthorized())
		return
	}
	if req.SessionID == 0 {
		id := req.ChosenID()
		c.queue(laneKey{session: id}, func(ctx context.Context) { c.create(ctx, req, id) })
		return
	}
	cmd, bad := req.Command()
	if bad == nil && cmd.GetClaim() != nil {
		c.queue(laneKey{session: req.SessionID}, func(ctx context.Context) { c.claim(ctx, req, cmd) })
		return
	}
	c.queue(laneKey{req.SessionID, req.HandleID}, func(ctx context.Context) { c.perform(ctx, req, cmd, bad) })
}

// queue runs task in the lane of key, when the socket has a slot free. What belongs to no session or handle keeps
// no order: it has a lane of its own.
func (c *Client) queue(key laneKey, task func(ctx context.Context)) {
	select {
	case c.slots <- struct{}{}:
	case <-c.closed:
		return
	}
	run := func() {
		defer func() { <-c.slots }()
		ctx, cancel := context.WithTimeout(c.edge.ctx, c.edge.opt.AnswerTimeout)
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
		c.refuse(req, janus.FromFault(err))
		return
	}
	message, err := req.ServerInfo(c.edge.opt.Info, rest)
	if err != nil {
		c.edge.log.Error("info", "err", err)
		c.refuse(req, janus.FromFault(err))
		return
	}
	c.socket.Send(message)
}

// do sends the command as this socket's, with the ack, where there is one, before the event that answers it.
func (c *Client) do(ctx context.Context, req *janus.Request, cmd *busv1.Command) (*busv1.Reply, error) {
	cmd.Id = bus.NewCommandID()
	cmd.Socket = &busv1.Socket{Edge: c.edge.opt.Name, Id: c.socket.ID(), Remote: c.socket.Remote()}
	cmd.Delivered = c.deliveredOf(cmd.GetSessionId())
	ack := sync.OnceFunc(func() { c.socket.Send(req.Ack()) })
	defer c.edge.expectAck(cmd.GetId(), ack)()
	began := time.Now()
	reply, err := c.edge.bus.Do(ctx, cmd, ack)
	if err == nil && reply.GetDone().GetAsync() {
		ack()
	}
	c.edge.metrics.answered(req.Name, err, time.Since(began))
	return reply, err
}

func (c *Client) deliveredOf(session uint64) uint64 {
	c.mu.Lock()
	s := c.owned[session]
	c.mu.Unlock()
	if s == nil {
		return 0
	}
	return s.delivered.Load()
}

// perform does all requests but create, claim and those without a session. bad, if not nil, is what is wrong with
// the request; it is told only if its session and handle exist.
func (c *Client) perform(ctx context.Context, req *janus.Request, cmd *busv1.Command, bad *janus.Error) {
	if a := cmd.GetAttach(); a != nil {
		a.NewHandleId = randomID()
	}
	reply, err := c.do(ctx, req, cmd)
	switch {
	case err != nil:
		c.failed(req, err)
		return
	case bad != nil:
		c.refuse(req, bad)
	default:
		c.answer(req, cmd, reply)
	}
	s := c.edge.session(req.SessionID)
	if s == nil {
		return
	}
	if cmd.GetDestroy() != nil {
		s.lane.post(s.drop)
		return
	}
	s.awaitEvent(ctx, reply.GetLastEvent())
}

func (c *Client) answer(req *janus.Request, cmd *busv1.Command, reply *busv1.Reply) {
	switch cmd.GetVerb().(type) {
	case *busv1.Command_Touch, *busv1.Command_Trickle:
		c.socket.Send(req.Ack())
	case *busv1.Command_Attach:
		c.socket.Send(req.Attached(cmd.GetAttach().GetNewHandleId()))
	case *busv1.Command_Message:
		if answer := reply.GetPlugin(); answer != nil {
			c.socket.Send(req.PluginAnswer(answer))
		}
	default:
		c.socket.Send(req.Success())
	}
}

func (c *Client) failed(req *janus.Request, err error) {
	if fault.Of(err) == fault.Internal {
		c.edge.log.Error("request failed", "session", req.SessionID, "handle", req.HandleID, "tx", req.Transaction, "err", err)
	}
	c.refuse(req, janus.FromFault(err))
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
			c.refuse(req, janus.TooMany("sessions"))
			return
		case chosen || fault.Of(err) != fault.SessionIDInUse:
			req.SessionID = id // the error repeats a clashing id
			if fault.Of(err) != fault.SessionIDInUse {
				req.SessionID = 0
			}
			c.failed(req, err)
			return
		}
	}
}

func (c *Client) createAs(ctx context.Context, req *janus.Request, id uint64, chosen bool) error {
	c.mu.Lock()
	full := len(c.owned) >= c.edge.opt.SocketSess
	c.mu.Unlock()
	if full {
		return errTooManySessions
	}
	s, made, err := c.edge.hold(id)
	if err != nil {
		return err
	}
	if !made {
		return fault.New(fault.SessionIDInUse, nil)
	}
	cmd := &busv1.Command{
		SessionId: id, Transaction: req.Transaction,
		Verb: &busv1.Command_Create{Create: &busv1.Create{Chosen: chosen}},
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
	s, _, err := c.edge.hold(req.SessionID)
	if errors.Is(err, errTooManySessions) {
		c.refuse(req, janus.TooMany("sessions"))
		return
	} else if err != nil {
		c.failed(req, err)
		return
	}
	s.run(func() { s.holding = true })
	reply, err := c.do(ctx, req, cmd)
	if err != nil {
		s.run(s.claimFailed)
		c.failed(req, err)
		return
	}
	s.run(func() {
		c.socket.Send(req.Success())
		s.claimed(c, reply.GetDone().GetMissed(), reply.GetLastEvent())
	})
}

// own and disown keep the list of the sessions that end with the socket.
func (c *Client) own(s *session) (alive bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owned[s.id] = s
	select {
	case <-c.closed:
		return false
	default:
		return true
	}
}

func (c *Client) disown(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.owned, s.id)
}
