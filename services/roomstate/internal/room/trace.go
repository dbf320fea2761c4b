package room

import (
	"context"
	"encoding/json"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// traceRule makes a span of one run of a rule.
func traceRule(ctx context.Context, cmd plugin.Command) (context.Context, trace.Span) {
	if !traces.On(ctx) {
		return traces.Start(ctx, "", trace.SpanKindInternal)
	}
	ctx, span := traces.Start(ctx, "rule", trace.SpanKindInternal, traces.Plugin(cmd.Handle.Plugin))
	if name := requestName(cmd.GetMessage().GetBody()); name != "" {
		span.SetAttributes(attribute.String("janus.request", name))
	}
	return ctx, span
}

// ended says what came of the run.
func ended(span trace.Span, t *plugin.Turn) {
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("janus.questions", len(t.Open)), attribute.Int("janus.events", len(t.Events)))
		if t.Failure != nil {
			traces.Failed(span, string(fault.Of(t.Failure)))
		}
	}
	span.End()
}

// longestRequest is how long names of plugins' requests may be, in bytes.
const longestRequest = 40

// requestName is what a body asks of a plugin, if that looks like the name of a request: nothing else of it is told.
func requestName(body []byte) string {
	var asks struct {
		Request string `json:"request"`
	}
	if json.Unmarshal(body, &asks) != nil || len(asks.Request) > longestRequest ||
		strings.Trim(asks.Request, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return asks.Request
}

// traceEvents has events of the handle that a command is about go on with its trace: those are its answer. Others' would make
// one trace of all who are in a room.
func traceEvents(ctx context.Context, cmd plugin.Command, events []*busv1.Event) {
	parent := traces.Parent(ctx)
	if parent == "" {
		return
	}
	for _, event := range events {
		if event.GetSessionId() == cmd.GetSessionId() && event.GetHandleId() == cmd.GetHandleId() {
			event.Traceparent = parent
		}
	}
}
