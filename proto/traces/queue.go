package traces

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// mostAtOnce is how many spans are sent together.
	mostAtOnce = 512
	// sendAfter is how long the first of them waits for others.
	sendAfter = time.Second
	// sendTime is how long sending may take.
	sendTime = 5 * time.Second
	// complainEvery is how often it is logged that the server does not take them.
	complainEvery = time.Minute
)

// queue holds spans that have ended until they are sent. It never makes anybody wait: what there is no room for is dropped and
// counted, which OpenTelemetry's own does not tell of.
type queue struct {
	exporter sdk.SpanExporter
	spans    chan sdk.ReadOnlySpan // never closed: senders look at closed
	closed   atomic.Bool
	flush    chan chan struct{}
	stop     context.CancelFunc
	wg       sync.WaitGroup
	log      *slog.Logger

	sent    prometheus.Counter
	full    prometheus.Counter
	refused prometheus.Counter

	complained time.Time // owned by run
}

func newQueue(exporter sdk.SpanExporter, size int, metrics prometheus.Registerer, log *slog.Logger) *queue {
	dropped := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cardea_traces_dropped_total", Help: "Spans that were dropped, by reason: `full`, since too many waited, or `refused`, since the server did not take them.",
	}, []string{"reason"})
	sent := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cardea_traces_sent_total", Help: "Spans that the server took.",
	})
	metrics.MustRegister(dropped, sent)
	ctx, stop := context.WithCancel(context.Background())
	q := &queue{
		exporter: exporter, spans: make(chan sdk.ReadOnlySpan, size), flush: make(chan chan struct{}), stop: stop, log: log,
		sent: sent, full: dropped.WithLabelValues("full"), refused: dropped.WithLabelValues("refused"),
	}
	q.wg.Go(func() { q.run(ctx) })
	return q
}

// OnStart is of sdk.SpanProcessor, as are those below.
func (q *queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd queues a span.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if !q.closed.Load() {
		select {
		case q.spans <- s:
			return
		default:
		}
	}
	q.full.Inc()
}

// ForceFlush returns when all that waits has been sent or dropped, or ctx ends.
func (q *queue) ForceFlush(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case q.flush <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown is ForceFlush, after which nothing more is sent.
func (q *queue) Shutdown(ctx context.Context) error {
	if q.closed.Swap(true) {
		return nil
	}
	err := q.ForceFlush(ctx)
	q.stop()
	q.wg.Wait()
	q.full.Add(float64(len(q.spans)))
	if ended := q.exporter.Shutdown(ctx); err == nil {
		err = ended
	}
	return err
}

func (q *queue) run(ctx context.Context) {
	var batch []sdk.ReadOnlySpan
	late := time.NewTimer(sendAfter)
	defer late.Stop()
	for {
		select {
		case s := <-q.spans:
			if batch = append(batch, s); len(batch) == 1 {
				late.Reset(sendAfter)
			}
			if len(batch) < mostAtOnce {
				continue
			}
		case <-late.C:
		case done := <-q.flush:
			for len(q.spans) > 0 && ctx.Err() == nil {
				if batch = append(batch, <-q.spans); len(batch) == mostAtOnce {
					batch = q.send(ctx, batch)
				}
			}
			batch = q.send(ctx, batch)
			close(done)
			continue
		case <-ctx.Done():
			q.full.Add(float64(len(batch)))
			return
		}
		batch = q.send(ctx, batch)
	}
}

// send returns an empty batch.
func (q *queue) send(ctx context.Context, batch []sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	if len(batch) == 0 {
		return batch
	}
	if err := q.exporter.ExportSpans(ctx, batch); err != nil {
		q.refused.Add(float64(len(batch)))
		if time.Since(q.complained) > complainEvery {
			q.complained = time.Now()
			q.log.Warn("spans not sent", "spans", len(batch), "err", err)
		}
	} else {
		q.sent.Add(float64(len(batch)))
	}
	clear(batch)
	return batch[:0]
}
