package traces

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// header is the name of what says which span something belongs to (W3C Trace Context, 3.2).
const header = "traceparent"

// length is that of a traceparent of version 00, in bytes. There are no others yet, and a longer one is nobody's.
const length = 55

// Parent is the span of ctx as a traceparent, for a message that goes out; empty if there is none.
func Parent(ctx context.Context) string {
	if !On(ctx) {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// parse reads a traceparent. One that is none, or of a trace that is not sampled, is no valid span context.
func parse(s string) trace.SpanContext {
	if len(s) != length {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: s})
	return trace.SpanContextFromContext(ctx)
}
