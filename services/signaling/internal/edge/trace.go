package edge

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

// trace begins a trace of an endpoint's request: from when it is queued until its answer is. What the endpoint says of traces is
// not heard: which requests are sampled is not for it to say.
func (c *Client) trace(req *janus.Request) (context.Context, trace.Span) {
	if c.edge.opt.Traces == nil {
		return c.edge.opt.Traces.Begin(c.edge.ctx, "", trace.SpanKindServer)
	}
	verb, transport := janus.KnownName(req.Name), "websocket"
	if c.polled {
		transport = "http"
	}
	ctx, span := c.edge.opt.Traces.Begin(c.edge.ctx, "janus "+verb, trace.SpanKindServer, traces.Verb(verb), traces.Transport(transport))
	span.SetAttributes(traces.Janus(req.SessionID, req.HandleID)...)
	return ctx, span
}

// traceRefused says what an endpoint was told instead of an answer.
func traceRefused(ctx context.Context, err *janus.Error) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		traces.Failed(span, strconv.Itoa(int(err.Code)))
	}
}

// traceAdmin begins a trace of an administrator's request.
func (a *Admin) trace(ctx context.Context, req *janus.AdminRequest) (context.Context, trace.Span) {
	if a.Edge.opt.Traces == nil {
		return a.Edge.opt.Traces.Begin(ctx, "", trace.SpanKindServer)
	}
	verb := req.Known()
	ctx, span := a.Edge.opt.Traces.Begin(ctx, "admin "+verb, trace.SpanKindServer, traces.Verb(verb))
	span.SetAttributes(traces.Janus(req.SessionID, req.HandleID)...)
	return ctx, span
}

// traceEvent goes on with the trace of the command that raised an event, as it is given to the endpoint.
func (e *Edge) traceEvent(ev *busv1.Event) trace.Span {
	if ev.GetTraceparent() == "" {
		return trace.SpanFromContext(context.Background())
	}
	_, span := e.opt.Traces.Continue(e.ctx, ev.GetTraceparent(), "event", trace.SpanKindConsumer,
		append(traces.Janus(ev.GetSessionId(), ev.GetHandleId()), attribute.Int64("janus.event", int64(ev.GetNumber())))...)
	return span
}
