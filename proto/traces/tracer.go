package traces

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-rtc/cardea/proto/mutual"
)

// scope is what spans say that they are made by.
const scope = "github.com/cardea-rtc/cardea"

// mostText is how long a text in an attribute may be, in characters; the rest is cut off.
const mostText = 256

// farewell is how long Close tries to send what waits.
const farewell = 2 * time.Second

// Tracer begins spans in the name of one service. A nil one begins none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Service is who spans are of.
type Service struct {
	Name, Instance, Version string
}

// Open returns a tracer that sends spans to what c names, nil if that is nothing. The server need not be there yet. What is
// dropped is counted in metrics.
func Open(c Config, of Service, metrics prometheus.Registerer, log *slog.Logger) (*Tracer, error) {
	if !c.On() {
		return nil, nil
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	headers, err := c.headers()
	if err != nil {
		return nil, err
	}
	host, address := c.address()
	// Whatever the environment says for OTEL_EXPORTER_OTLP_… of these comes after ours.
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(address),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}), // what waits is bounded: a later span is worth as much
		otlptracegrpc.WithTimeout(sendTime),
	}
	if len(headers) > 0 {
		options = append(options, otlptracegrpc.WithHeaders(headers))
	}
	source, err := c.source(log)
	if err != nil {
		return nil, err
	}
	if source != nil {
		options = append(options, otlptracegrpc.WithTLSCredentials(mutual.Dialler(source, host)))
	} else {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(context.Background(), options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return New(newQueue(exporter, c.Queue, metrics, log), of, c.Ratio)
}

// New returns a tracer whose spans go to p, as in tests: a share of those that begin a trace, and all that go on with one.
func New(p sdk.SpanProcessor, of Service, ratio float64) (*Tracer, error) {
	about, err := resource.New(context.Background(), resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceNamespace("cardea"), semconv.ServiceName(of.Name),
		semconv.ServiceInstanceID(of.Instance), semconv.ServiceVersion(of.Version),
	))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	limits := sdk.NewSpanLimits()
	limits.AttributeValueLengthLimit = mostText
	provider := sdk.NewTracerProvider(
		sdk.WithSpanProcessor(p), sdk.WithResource(about), sdk.WithRawSpanLimits(limits),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(ratio))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer(scope)}, nil
}

// Close sends what waits, for a moment.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what could not be sent is counted
}
