package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// The codes with which Janus's transports and event handlers answer queries.
const (
	queryUnknown = 411
	queryMissing = 412
	queryInvalid = 413
)

// query is what an administrator asks a transport or an event handler.
type query map[string]json.RawMessage

// object is of an answer in JSON.
type object = map[string]any

func refused(code int, text string) object { return object{"error_code": code, "error": text} }

// name returns what is asked for, or why that is not known.
func (q query) name() (string, object) {
	raw, ok := q["request"]
	if !ok {
		return "", refused(queryMissing, "Missing mandatory element (request)")
	}
	name, ok := q.text(raw)
	if !ok {
		return "", refused(queryInvalid, "Invalid element type (request should be a string)")
	}
	return name, nil
}

func (query) text(raw json.RawMessage) (string, bool) {
	var s string
	return s, len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil
}

// must fails unless those of these members that are there are texts, and boolean ones booleans.
func (q query) must(booleans, texts []string) object {
	for _, name := range booleans {
		if raw, ok := q[name]; ok && string(raw) != "true" && string(raw) != "false" {
			return refused(queryInvalid, "Invalid element type ("+name+" should be a boolean)")
		}
	}
	for _, name := range texts {
		if raw, ok := q[name]; ok && raw[0] != '"' {
			return refused(queryInvalid, "Invalid element type ("+name+" should be a string)")
		}
	}
	return nil
}

// positive fails unless those of these members that are there are integers from 0 on.
func (q query) positive(names ...string) object {
	for _, name := range names {
		var n int64
		if raw, ok := q[name]; ok && (json.Unmarshal(raw, &n) != nil || n < 0 || string(raw) == "null") {
			return refused(queryInvalid, "Invalid element type ("+name+" should be a positive integer)")
		}
	}
	return nil
}

// queryTransport answers for this edge's transport of that name (spec/janus-api.md, section 7.1).
func (a *Admin) queryTransport(_ context.Context, p parameters) (map[string]any, error) {
	count, ok := map[string]func() int{overWebSocket: a.Edge.openSockets, overHTTP: a.Edge.waitingPolls}[p.Transport]
	if !ok {
		return nil, fault.Newf(fault.PluginNotFound, "Invalid transport")
	}
	return object{"response": a.Edge.askTransport(p.Transport, count, p.Request)}, nil
}

func (e *Edge) askTransport(transport string, count func() int, q query) object {
	name, bad := q.name()
	switch {
	case bad != nil:
		return bad
	case strings.EqualFold(name, "connections"):
		if transport == overHTTP { // of which only requests that wait are counted
			return object{"result": 200, "connections": object{"http": count()}, "messages": count()}
		}
		return object{"result": 200, "connections": count()}
	case !strings.EqualFold(name, "configure"):
		return refused(queryUnknown, "Unknown request '"+name+"'")
	}
	if bad := q.must([]string{"events"}, []string{"json", "logging"}); bad != nil {
		bad["result"] = 200 // as at Janus
		return bad
	}
	answer := object{"result": 200}
	var notes []string
	if on, ok := q["events"]; ok {
		e.quiet(transport, string(on) == "false")
		if string(on) == "true" && e.opt.Events == nil {
			notes = append(notes, "Event handlers disabled at the core level")
		}
	}
	if format, ok := q["json"]; ok && string(format) != `"compact"` {
		notes = append(notes, "JSON is always compact here")
	}
	if _, ok := q["logging"]; ok {
		notes = append(notes, "There is no log of the WebSocket library here")
	}
	if notes != nil {
		answer["notes"] = notes
	}
	return answer
}

// queryEventHandler changes which kinds of events are wanted, for all processes.
func (a *Admin) queryEventHandler(ctx context.Context, p parameters) (map[string]any, error) {
	known, err := a.handles(ctx, p.Handler)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, fault.Newf(fault.PluginNotFound, "Invalid event handler")
	}
	answer, err := a.tweak(p.Request)
	return object{"response": answer}, err
}

// handles tells whether there is an event handler of that name, here or in another process.
func (a *Admin) handles(ctx context.Context, name string) (bool, error) {
	if slices.Contains(a.Handlers, name) {
		return true, nil
	}
	rest, err := a.Edge.bus.Info(ctx)
	if err != nil {
		return false, err
	}
	var elsewhere struct {
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(rest, &elsewhere); err != nil {
		return false, fmt.Errorf("server info: %w", err)
	}
	_, known := elsewhere.Events[name]
	return known, nil
}

func (a *Admin) tweak(q query) (object, error) {
	name, bad := q.name()
	switch {
	case bad != nil:
		return bad, nil
	case !strings.EqualFold(name, "tweak"):
		return refused(queryUnknown, "Unknown request '"+name+"'"), nil
	}
	for _, bad := range []object{
		q.must(nil, []string{"events"}), q.must([]string{"grouping"}, []string{"backend", "backend_user", "backend_pwd"}),
		q.positive("max_retransmissions", "retransmissions_backoff"),
	} {
		if bad != nil {
			return bad, nil
		}
	}
	if backend, _ := q.text(q["backend"]); q["backend"] != nil && !strings.HasPrefix(backend, "http") {
		return refused(queryInvalid, "Invalid HTTP URI '"+backend+"'"), nil
	}
	if raw, ok := q["events"]; ok {
		kinds, _ := q.text(raw)
		if err := a.Tweak(kinds); err != nil {
			return nil, err
		}
	}
	answer := object{"result": 200}
	for _, name := range []string{"grouping", "backend", "backend_user", "backend_pwd", "max_retransmissions", "retransmissions_backoff"} {
		if _, asked := q[name]; asked {
			answer["notes"] = []string{"Only the kinds of events can be changed while running"}
		}
	}
	return answer, nil
}

// queryLogger finds none: services log to standard error.
func (*Admin) queryLogger(context.Context, parameters) (map[string]any, error) {
	return nil, fault.Newf(fault.PluginNotFound, "Invalid logger")
}

// parameters are those of requests that an edge answers by itself.
type parameters struct {
	Transport string          `json:"transport"`
	Handler   string          `json:"handler"`
	Request   query           `json:"request"`
	Schema    string          `json:"schema"`
	Data      json.RawMessage `json:"data"`
	Line      string          `json:"line"`
	Level     *int            `json:"level"`
}

// own are those requests.
var own = map[string]func(a *Admin, ctx context.Context, p parameters) (map[string]any, error){
	"query_transport":    (*Admin).queryTransport,
	"query_eventhandler": (*Admin).queryEventHandler,
	"query_logger":       (*Admin).queryLogger,
	"custom_event":       (*Admin).customEvent,
	"custom_logline":     (*Admin).customLogLine,
}

// answerOwn carries out such a request.
func (a *Admin) answerOwn(ctx context.Context, req *janus.AdminRequest, do func(a *Admin, ctx context.Context, p parameters) (map[string]any, error), data []byte) ([]byte, *janus.Error) {
	var p parameters
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, a.failed(ctx, req, fault.Newf(fault.BadRequest, "Invalid parameters"))
	}
	members, err := do(a, ctx, p)
	if err != nil {
		return nil, a.failed(ctx, req, err)
	}
	answer, err := req.AdminSuccess(members)
	if err != nil {
		return nil, a.failed(ctx, req, err)
	}
	return answer, nil
}

// customEvent gives event handlers an event of the administrator's.
func (a *Admin) customEvent(_ context.Context, p parameters) (map[string]any, error) {
	a.Edge.opt.Events.Emit(events.Event{Type: events.External, Event: events.Object{"schema": p.Schema, "data": p.Data}})
	return nil, nil
}
