// Package tracestest receives spans, as a collector of OpenTelemetry's does, for tests.
package tracestest

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Span is one that was received.
type Span struct {
	Trace, ID, Parent string // in hex; Parent is empty for the first of a trace
	Service, Instance string
	Name              string
	Kind              tracev1.Span_SpanKind
	Attributes        map[string]string
	Failed            bool
}

// Collector takes spans by OTLP over gRPC.
type Collector struct {
	collector.UnimplementedTraceServiceServer
	URL string // for --traces-endpoint

	mu      sync.Mutex
	spans   []Span
	headers metadata.MD // of the last call
}

// Start runs one until the test ends.
func Start(t testing.TB, options ...grpc.ServerOption) *Collector {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{URL: "http://" + l.Addr().String()}
	s := grpc.NewServer(options...)
	collector.RegisterTraceServiceServer(s, c)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); wg.Wait() })
	return c
}

// Export is of collector.TraceServiceServer.
func (c *Collector) Export(ctx context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers, _ = metadata.FromIncomingContext(ctx)
	for _, of := range r.GetResourceSpans() {
		about := attributes(of.GetResource().GetAttributes())
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{
					Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
					Service: about["service.name"], Instance: about["service.instance.id"], Name: s.GetName(), Kind: s.GetKind(),
					Attributes: attributes(s.GetAttributes()), Failed: s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
				})
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func attributes(all []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range all {
		switch v := kv.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			m[kv.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.GetKey()] = fmt.Sprint(v.IntValue)
		default:
			m[kv.GetKey()] = kv.GetValue().String()
		}
	}
	return m
}

// Header is what was sent with the last spans.
func (c *Collector) Header(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers.Get(name)
}

// Traces are the spans so far, by trace.
func (c *Collector) Traces() map[string]Trace {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]Trace{}
	for _, s := range c.spans {
		all[s.Trace] = append(all[s.Trace], s)
	}
	return all
}

// Trace is the spans of one.
type Trace []Span

// Find returns the spans of a service whose names begin so.
func (t Trace) Find(service, name string) (found []Span) {
	for _, s := range t {
		if s.Service == service && strings.HasPrefix(s.Name, name) {
			found = append(found, s)
		}
	}
	return found
}

// Above returns the names of a span and of those above it, first the trace's first: "signaling:janus message" and so on. It ends
// with "…" where a span is missing.
func (t Trace) Above(s Span) (names []string) {
	for {
		names = append(names, s.Service+":"+s.Name)
		if s.Parent == "" {
			break
		}
		i := slices.IndexFunc(t, func(other Span) bool { return other.ID == s.Parent })
		if i < 0 || len(names) > len(t) {
			names = append(names, "…")
			break
		}
		s = t[i]
	}
	slices.Reverse(names)
	return names
}
