package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/reread"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// Admin answers administrators, for the whole cluster.
type Admin struct {
	Edge   *Edge
	Secret *reread.Secret // the admin_secret; nil for none
	// Handlers are the names of event handlers that there are, and Tweak has all processes tell only of these kinds of
	// events, comma-separated.
	Handlers []string
	Tweak    func(kinds string) error
}

// Ask returns the answer to a request, whose ids may be in the path: 0 for none there. It is nil if ctx ended first.
func (a *Admin) Ask(ctx context.Context, remote string, body []byte, session, handle uint64) []byte {
	a.Edge.noteRequest(bus.NewCommandID(), remote, true)
	return a.ask(ctx, remote, body, session, handle)
}

func (a *Admin) ask(ctx context.Context, remote string, body []byte, session, handle uint64) []byte {
	ctx, cancel := context.WithTimeout(ctx, a.Edge.opt.AnswerTimeout)
	defer cancel()
	req, bad := janus.ParseAdmin(body, session, handle)
	ctx, span := a.trace(ctx, &req)
	defer span.End()
	if bad == nil {
		var answer []byte
		if answer, bad = a.perform(ctx, &req); bad == nil {
			return answer
		}
	}
	if ctx.Err() == context.Canceled {
		return nil
	}
	a.Edge.metrics.refused(bad.Code)
	traceRefused(ctx, bad)
	if a.Edge.refusals.Allow() {
		traces.Log(ctx, a.Edge.log).Info("administrator's request refused", "request", req.Name, "code", bad.Code, "reason", bad.Reason, "remote", remote)
	}
	return req.ErrorResponse(bad)
}

// Authorized and Poll are for transports: there is nothing to poll for.
func (a *Admin) Authorized(context.Context, string, string) bool { return true }

// Poll fails.
func (a *Admin) Poll(context.Context, uint64, int, func([][]byte) error) error {
	return fault.New(fault.SessionNotFound, nil)
}

func (a *Admin) perform(ctx context.Context, req *janus.AdminRequest) ([]byte, *janus.Error) {
	if req.Global() {
		switch req.Name {
		case "ping":
			return req.Pong(), nil
		case "info":
			return a.info(ctx, req)
		}
	}
	if a.Secret != nil && !a.Secret.Is(req.AdminSecret()) {
		return nil, janus.FromFault(fault.New(fault.Unauthorized, nil))
	}
	if req.StoresTokens() && !a.Edge.opt.Auth.asks() { // before its members are looked at, as at Janus
		return nil, janus.NoStoredTokens()
	}
	cmd, bad := req.Command()
	if bad != nil && req.Global() {
		return nil, bad
	} else if bad != nil { // told only if its session and handle exist
		if err := a.exists(ctx, req); err != nil {
			return nil, janus.FromFault(err)
		}
		return nil, bad
	}
	if do, ok := own[req.Name]; ok && req.Global() {
		return a.answerOwn(ctx, req, do, cmd.GetAdmin().GetParameters())
	}
	members, err := a.pages(ctx, req, cmd)
	if err != nil {
		return nil, a.failed(ctx, req, err)
	}
	answer, err := req.AdminSuccess(members)
	if err != nil {
		return nil, a.failed(ctx, req, err)
	}
	return answer, nil
}

func (a *Admin) failed(ctx context.Context, req *janus.AdminRequest, err error) *janus.Error {
	if fault.Of(err) == fault.Internal {
		traces.Log(ctx, a.Edge.log).Error("administrator's request failed", "request", req.Name, "session", req.SessionID, "handle", req.HandleID, "err", err)
	}
	return janus.FromFault(err)
}

// exists fails if the session or the handle of a request is not there.
func (a *Admin) exists(ctx context.Context, req *janus.AdminRequest) error {
	_, err := a.Edge.bus.Do(ctx, &busv1.Command{
		Id: bus.NewCommandID(), SessionId: req.SessionID, HandleId: req.HandleID,
		Verb: &busv1.Command_Admin{Admin: &busv1.Admin{Request: "exists", Parameters: []byte("{}")}},
	}, nil)
	return err
}

func (a *Admin) info(ctx context.Context, req *janus.AdminRequest) ([]byte, *janus.Error) {
	rest, err := a.Edge.bus.Info(ctx)
	if err != nil {
		return nil, a.failed(ctx, req, err)
	}
	message, err := req.ServerInfo(a.Edge.opt.Info, rest)
	if err != nil {
		return nil, a.failed(ctx, req, err)
	}
	return message, nil
}

// members are what a reply adds to a plain success.
func (a *Admin) members(req *janus.AdminRequest, reply *busv1.Reply) (map[string]any, error) {
	data := reply.GetPlugin().GetData()
	if data == nil {
		return nil, nil
	}
	if req.Name == "message_plugin" {
		return map[string]any{"response": json.RawMessage(data)}, nil
	}
	var members map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // ids are too large for a float
	if err := dec.Decode(&members); err != nil {
		return nil, fmt.Errorf("answer to %s: %w", req.Name, err)
	}
	if status, ok := members["status"].(map[string]any); ok {
		status["token_auth"] = a.Edge.opt.Auth.Tokens // this edge's own setting
	}
	return members, nil
}

// adminClient is one WebSocket of an administrator's.
type adminClient struct {
	admin  *Admin
	socket Socket
	ctx    context.Context
	cancel context.CancelFunc
}

// Open takes a new socket on. Its requests are answered one after another.
func (a *Admin) Open(socket Socket) interface {
	Receive(message []byte)
	Close()
} {
	a.Edge.noteSocket(socket, true, true)
	c := &adminClient{admin: a, socket: socket}
	c.ctx, c.cancel = context.WithCancel(a.Edge.ctx)
	return c
}

func (c *adminClient) Close() {
	c.admin.Edge.noteSocket(c.socket, true, false)
	c.cancel()
}

func (c *adminClient) Receive(message []byte) {
	if answer := c.admin.ask(c.ctx, c.socket.Remote(), message, 0, 0); answer != nil {
		c.socket.Send(answer)
	}
}
