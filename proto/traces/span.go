package traces

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Begin begins a trace, if it is sampled.
func (t *Tracer) Begin(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if t == nil {
		return ctx, none()
	}
	return t.tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// Continue goes on with the trace that a parent belongs to, if that is one: what came with a message, from Parent.
func (t *Tracer) Continue(ctx context.Context, parent, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if t == nil || parent == "" {
		return ctx, none()
	}
	of := parse(parent)
	if !of.IsSampled() {
		return ctx, none()
	}
	return t.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, of), name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// Start begins a span below that of ctx, if there is one in this process.
func Start(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, none()
	}
	return above.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// none is a span that does nothing.
func none() trace.Span { return trace.SpanFromContext(context.Background()) }

// On tells whether the work of ctx is traced.
func On(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Failed says that what a span is of went wrong: why is one of few words, such as a fault.Reason.
func Failed(span trace.Span, why string) {
	span.SetAttributes(attribute.String("error.type", why))
	span.SetStatus(codes.Error, why)
}

// Log returns log with the trace that ctx belongs to, where there is one.
func Log(ctx context.Context, log *slog.Logger) *slog.Logger {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return log.With("trace", span.SpanContext().TraceID().String())
	}
	return log
}
