package traces

import (
	"context"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Client makes a span of each call over gRPC whose context has one, and has the server know of it.
func Client(ctx context.Context, method string, request, response any, on *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if !On(ctx) {
		return call(ctx, method, request, response, on, options...)
	}
	name := method[1:] // which begins with a slash
	ctx, span := Start(ctx, name, trace.SpanKindClient, semconv.RPCSystemNameGRPC, semconv.RPCMethod(name))
	defer span.End()
	err := call(metadata.AppendToOutgoingContext(ctx, header, Parent(ctx)), method, request, response, on, options...)
	ended(span, err)
	return err
}

// Server makes a span of each call that comes with one.
func (t *Tracer) Server(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if t == nil {
		return handle(ctx, request)
	}
	parent := metadata.ValueFromIncomingContext(ctx, header)
	if len(parent) != 1 {
		return handle(ctx, request)
	}
	name := info.FullMethod[1:]
	ctx, span := t.Continue(ctx, parent[0], name, trace.SpanKindServer, semconv.RPCSystemNameGRPC, semconv.RPCMethod(name))
	defer span.End()
	response, err := handle(ctx, request)
	ended(span, err)
	return response, err
}

// ended says how a call went; its text stays away, which may be an endpoint's.
func ended(span trace.Span, err error) {
	code := status.Code(err)
	span.SetAttributes(semconv.RPCResponseStatusCode(code.String()))
	if code != codes.OK {
		Failed(span, code.String())
	}
}
