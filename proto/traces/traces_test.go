package traces

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/traces/tracestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, ratio float64) (*Tracer, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	tracer, err := New(spans, Service{Name: "test"}, ratio)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tracer.Close)
	return tracer, spans
}

func TestATraceGoesOnElsewhere(t *testing.T) {
	here, begun := open(t, 1)
	there, continued := open(t, 0) // samples nothing by itself
	ctx, first := here.Begin(t.Context(), "first", trace.SpanKindServer)
	ctx, below := Start(ctx, "below", trace.SpanKindClient)
	_, far := there.Continue(t.Context(), Parent(ctx), "far", trace.SpanKindServer)
	far.End()
	below.End()
	first.End()
	if len(begun.Ended()) != 2 || len(continued.Ended()) != 1 {
		t.Fatalf("%d spans here, %d there", len(begun.Ended()), len(continued.Ended()))
	}
	got, want := continued.Ended()[0], begun.Ended()[0]
	if got.Parent().SpanID() != want.SpanContext().SpanID() || got.SpanContext().TraceID() != want.SpanContext().TraceID() {
		t.Errorf("parent is %v, not %v", got.Parent(), want.SpanContext())
	}
}

func TestWhatIsNotSampledIsNotTold(t *testing.T) {
	tracer, spans := open(t, 0)
	ctx, span := tracer.Begin(t.Context(), "first", trace.SpanKindServer)
	if Parent(ctx) != "" || On(ctx) {
		t.Error("a trace that is not sampled is passed on")
	}
	_, below := Start(ctx, "below", trace.SpanKindClient)
	below.End()
	span.End()
	var none *Tracer
	ctx, span = none.Begin(t.Context(), "first", trace.SpanKindServer)
	span.End()
	ctx, span = none.Continue(ctx, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "more", trace.SpanKindServer)
	span.End()
	if Parent(ctx) != "" || len(spans.Ended()) != 0 {
		t.Errorf("%d spans", len(spans.Ended()))
	}
	none.Close()
}

func TestNothingIsDoneWithoutATrace(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, span := Start(ctx, "rule", trace.SpanKindInternal)
		span.End()
		_ = Parent(ctx)
		_ = Log(ctx, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParent(f *testing.F) {
	for _, s := range []string{
		"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", strings.Repeat("0", 1<<16),
	} {
		f.Add(s)
	}
	spans := tracetest.NewSpanRecorder()
	tracer, err := New(spans, Service{}, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(tracer.Close)
	f.Fuzz(func(t *testing.T, s string) {
		of := parse(s)
		ctx, span := tracer.Continue(context.Background(), s, "span", trace.SpanKindServer)
		next := Parent(ctx)
		span.End()
		spans.Reset()
		if !of.IsSampled() {
			if next != "" {
				t.Errorf("%q makes a trace", s)
			}
			return
		}
		if len(s) != length || !of.IsValid() || !of.IsRemote() || of.TraceState().Len() != 0 || s[3:35] != of.TraceID().String() || s[36:52] != of.SpanID().String() {
			t.Errorf("%q is read as %v", s, of)
		}
		if parse(next).TraceID() != of.TraceID() {
			t.Errorf("%q goes on as %q", s, next)
		}
	})
}

// exporter is a struct of funcs.
type exporter struct {
	export func(ctx context.Context, spans []sdk.ReadOnlySpan) error
}

func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	return e.export(ctx, spans)
}
func (*exporter) Shutdown(context.Context) error { return nil }

func dropped(t *testing.T, q *queue) (full, refused, sent float64) {
	t.Helper()
	return testutil.ToFloat64(q.full), testutil.ToFloat64(q.refused), testutil.ToFloat64(q.sent)
}

func TestASlowServerHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	began := make(chan struct{}, 100)
	q := newQueue(&exporter{func(ctx context.Context, _ []sdk.ReadOnlySpan) error {
		began <- struct{}{}
		<-release
		return nil
	}}, 10, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	tracer, err := New(q, Service{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	span := func() {
		_, s := tracer.Begin(t.Context(), "s", trace.SpanKindServer)
		s.End()
	}
	span()
	<-began // the first is being sent, after the time that it waits for others
	for range 30 {
		span()
	}
	if full, _, _ := dropped(t, q); full != 20 {
		t.Errorf("%v dropped, not 20", full)
	}
	close(release)
	tracer.Close()
	if full, refused, sent := dropped(t, q); full != 20 || refused != 0 || sent != 11 {
		t.Errorf("dropped %v, refused %v, sent %v", full, refused, sent)
	}
	span()
	if full, _, _ := dropped(t, q); full != 20 && full != 21 { // a tracer that is closed may make none
		t.Errorf("%v dropped in the end", full)
	}
}

func TestWhatAServerRefusesIsCounted(t *testing.T) {
	q := newQueue(&exporter{func(context.Context, []sdk.ReadOnlySpan) error { return errors.New("no") }}, 10, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	tracer, err := New(q, Service{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, s := tracer.Begin(t.Context(), "s", trace.SpanKindServer)
	s.End()
	tracer.Close()
	if full, refused, sent := dropped(t, q); full != 0 || refused != 1 || sent != 0 {
		t.Errorf("dropped %v, refused %v, sent %v", full, refused, sent)
	}
}

func TestSpansReachACollectorWithHeadersOverTLS(t *testing.T) {
	ca := certstest.NewCA(t)
	files := ca.Issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	source, err := certs.Open(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	collector := tracestest.Start(t, grpc.Creds(credentials.NewTLS(source.Server())))
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("# of the collector\nAuthorization: Bearer abc\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tracer, err := Open(Config{
		Endpoint: strings.Replace(collector.URL, "http:", "https:", 1), Ratio: 1, Queue: 10, HeadersFile: headers,
		CAFile: files.CA, CertFile: files.Cert, KeyFile: files.Key,
	}, Service{Name: "signaling", Instance: "edge-0"}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, s := tracer.Begin(t.Context(), "s", trace.SpanKindServer)
	s.End()
	for deadline := time.Now().Add(30 * time.Second); len(collector.Traces()) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
	}
	tracer.Close()
	for _, got := range collector.Traces() {
		if got[0].Service != "signaling" || got[0].Instance != "edge-0" || got[0].Name != "s" {
			t.Errorf("%+v", got)
		}
	}
	if len(collector.Traces()) != 1 || !slices.Equal(collector.Header("authorization"), []string{"Bearer abc"}) {
		t.Errorf("%d traces, authorization %q", len(collector.Traces()), collector.Header("authorization"))
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	sound := Config{Endpoint: "http://127.0.0.1:4317", Ratio: 0.5, Queue: 1}
	if err := sound.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"traces-ratio must be":            func(c *Config) { c.Ratio = 1.5 },
		"traces-queue must be":            func(c *Config) { c.Queue = 0 },
		"must begin with http:// or":      func(c *Config) { c.Endpoint = "127.0.0.1:4317" },
		"must not hold credentials":       func(c *Config) { c.Endpoint = "http://u:hidden@h" },
		"must not have a path":            func(c *Config) { c.Endpoint = "http://h/v1/traces" },
		"if there are certificates":       func(c *Config) { c.CAFile = "ca.pem" },
		"if there is a traces-headers":    func(c *Config) { c.Endpoint, c.HeadersFile = "http://h", "f" },
		"traces-tls-cert and traces-tls-": func(c *Config) { c.Endpoint, c.CertFile = "https://h", "f" },
	} {
		c := sound
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if host, address := (Config{Endpoint: "https://otel.example"}).address(); host != "otel.example" || address != "otel.example:4317" {
		t.Errorf("%q, %q", host, address)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add([]byte("a: b\n# c\n\nX-Y:z"))
	f.Add([]byte("a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseHeaders(bytes.NewReader(b))
		if err != nil {
			return
		}
		for name, value := range all {
			if name == "" || strings.ContainsAny(name+value, "\r\n\x00") {
				t.Errorf("%q: %q", name, value)
			}
		}
	})
}
