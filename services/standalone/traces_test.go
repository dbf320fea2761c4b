package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/proto/traces/tracestest"
	"github.com/cardea-rtc/cardea/services/media"
	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
)

// talker is an endpoint on a WebSocket.
type talker struct {
	t    *testing.T
	conn *websocket.Conn
	n    int
}

func dialTalker(t *testing.T, url string) *talker {
	t.Helper()
	// What a client says of traces is not heard.
	header := map[string][]string{"Traceparent": {"00-11111111111111111111111111111111-2222222222222222-01"}}
	conn, resp, err := (&websocket.Dialer{Subprotocols: []string{"janus-protocol"}}).Dial(url, header)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &talker{t: t, conn: conn}
}

// ask sends a request and returns its answer, or of an asynchronous message the event that answers it.
func (c *talker) ask(request map[string]any) map[string]any {
	c.t.Helper()
	c.n++
	transaction := fmt.Sprint("t", c.n)
	request["transaction"], request["traceparent"] = transaction, "00-11111111111111111111111111111111-2222222222222222-01"
	if err := c.conn.WriteJSON(request); err != nil {
		c.t.Fatal(err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		var got map[string]any
		if err := c.conn.ReadJSON(&got); err != nil {
			c.t.Fatalf("%v: %v", request["janus"], err)
		}
		if got["transaction"] == transaction && got["janus"] != "ack" {
			return got
		}
	}
}

// talk makes a session with a handle of VideoRoom's.
func (c *talker) talk() (session, handle any) {
	c.t.Helper()
	session = c.ask(map[string]any{"janus": "create"})["data"].(map[string]any)["id"]
	handle = c.ask(map[string]any{"janus": "attach", "session_id": session, "plugin": "janus.plugin.videoroom"})["data"].(map[string]any)["id"]
	return session, handle
}

// startTraced runs an edge, two replicas of roomstate and a node, all of whose requests are traced.
func startTraced(t *testing.T, to *tracestest.Collector) (ws string) {
	t.Helper()
	bus, err := startNATS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Shutdown(); bus.WaitForShutdown() })
	store, stop, err := startStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	cfg := defaults(t)
	cfg.Traces = traces.Config{Endpoint: to.URL, Ratio: 1, Queue: 1000}
	cfg.Media.RemotePorts.First, cfg.Media.RemotePorts.Last = 20000, 20999
	rs, md, sg, err := serviceConfigs(cfg, bus.ClientURL(), "redis://"+store.Addr())
	if err != nil {
		t.Fatal(err)
	}
	md.UDPPort = 0
	for _, address := range []*string{&sg.Listen, &sg.HTTPListen, &sg.AdminListen, &sg.AdminHTTPListen, &sg.OpsListen, &rs.OpsListen, &md.OpsListen} {
		*address = "127.0.0.1:0"
	}
	listening := make(chan map[string]net.Addr, 1)
	sg.Name, sg.Listening = "edge-0", func(a map[string]net.Addr) { listening <- a }
	log := slog.New(slog.DiscardHandler)
	for range 2 {
		serving(t, func(ctx context.Context) error { return roomstate.Run(ctx, rs, log) })
	}
	serving(t, func(ctx context.Context) error { return media.Run(ctx, md, log) })
	serving(t, func(ctx context.Context) error { return signaling.Run(ctx, sg, log) })
	return "ws://" + (<-listening)["ws"].String()
}

func TestARequestIsOneTraceOverAllServices(t *testing.T) {
	offer, err := os.ReadFile("../media/internal/sdp/testdata/chromium.offer.sdp")
	if err != nil {
		t.Fatal(err)
	}
	collector := tracestest.Start(t)
	c := dialTalker(t, startTraced(t, collector))

	passedOn := false
	for room := 7000; room < 7040 && !passedOn; room++ { // until one is the other replica's
		session, handle := c.talk()
		message := func(body map[string]any, jsep any) map[string]any {
			body["room"] = room
			request := map[string]any{"janus": "message", "session_id": session, "handle_id": handle, "body": body}
			if jsep != nil {
				request["jsep"] = jsep
			}
			return c.ask(request)
		}
		message(map[string]any{"request": "create", "secret": "hush-hush"}, nil)
		deadline := time.Now().Add(60 * time.Second)
		var got map[string]any
		for { // no node may be known yet
			got = message(map[string]any{"request": "joinandconfigure", "ptype": "publisher", "display": "hush-hush"}, map[string]any{"type": "offer", "sdp": string(offer)})
			if got["jsep"] != nil || time.Now().After(deadline) {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if got["jsep"] == nil {
			t.Fatalf("join: %v", got)
		}
		id := fmt.Sprintf("%.0f", handle)
		one := awaitTrace(t, collector, func(trace tracestest.Trace) bool {
			first := trace.Find("signaling", "janus message")
			return len(first) == 1 && first[0].Attributes["janus.handle"] == id && len(trace.Find("media", "cardea.media.v1.Media/AcceptOffer")) > 0 &&
				len(trace.Find("signaling", "event")) > 0 && len(trace.Find("roomstate", "process cardea.command")) > 0
		})
		c.ask(map[string]any{"janus": "destroy", "session_id": session})
		tried := len(one.Find("roomstate", "process cardea.room.")) > 0
		passedOn = tried && slices.ContainsFunc(one.Above(one.Find("roomstate", "rule")[0]), func(name string) bool {
			return strings.HasPrefix(name, "roomstate:process cardea.room.")
		})
		if tried != passedOn {
			continue // the room came to be the first replica's meanwhile, as when the other has just started
		}
		checkTrace(t, one, passedOn)
	}
	if !passedOn {
		t.Error("no command was passed on to another replica")
	}
	for _, trace := range collector.Traces() {
		for _, s := range trace {
			if s.Trace == strings.Repeat("1", 32) {
				t.Errorf("a client's trace is gone on with: %+v", s)
			}
			if b, _ := json.Marshal(s); strings.Contains(string(b), "hush-hush") || strings.Contains(string(b), "v=0") {
				t.Errorf("of a body: %s", b)
			}
		}
	}
}

// awaitTrace waits until a trace is there that fits and of which nothing is missing.
func awaitTrace(t *testing.T, c *tracestest.Collector, fits func(tracestest.Trace) bool) tracestest.Trace {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, trace := range c.Traces() {
			whole := func(s tracestest.Span) bool { return !slices.Contains(trace.Above(s), "…") }
			if fits(trace) && !slices.ContainsFunc(trace, func(s tracestest.Span) bool { return !whole(s) }) {
				return trace
			}
		}
	}
	for id, trace := range c.Traces() {
		for _, s := range trace {
			t.Logf("%s %v %v", id, trace.Above(s), s.Attributes)
		}
	}
	t.Fatal("no such trace")
	return nil
}

// checkTrace holds what belongs to whom against the way of a request.
func checkTrace(t *testing.T, trace tracestest.Trace, passedOn bool) {
	t.Helper()
	way := []string{"signaling:janus message", "signaling:send cardea.command", "roomstate:process cardea.command"}
	last := trace.Find("roomstate", "process cardea.command")[0]
	if passedOn {
		there := trace.Find("roomstate", "process cardea.room.")[0]
		subject := strings.TrimPrefix(there.Name, "process ")
		way = append(way, "roomstate:send "+subject, "roomstate:process "+subject)
		if there.Instance == last.Instance {
			t.Error("both replicas are one")
		}
		last = there
	}
	for _, want := range []struct {
		service, name string
		below         []string
		kind          tracev1.Span_SpanKind
	}{
		{"roomstate", "rule", nil, tracev1.Span_SPAN_KIND_INTERNAL},
		{"roomstate", "EVALSHA", nil, tracev1.Span_SPAN_KIND_CLIENT},
		{"roomstate", "cardea.media.v1.Media/AcceptOffer", nil, tracev1.Span_SPAN_KIND_CLIENT},
		{"media", "cardea.media.v1.Media/AcceptOffer", []string{"roomstate:cardea.media.v1.Media/AcceptOffer"}, tracev1.Span_SPAN_KIND_SERVER},
		{"signaling", "event", nil, tracev1.Span_SPAN_KIND_CONSUMER},
	} {
		found := trace.Find(want.service, want.name)
		if len(found) == 0 {
			t.Errorf("no span %s of %s", want.name, want.service)
			continue
		}
		s := found[len(found)-1]
		names := slices.Concat(way, want.below, []string{want.service + ":" + want.name})
		if passedOn && want.name == "EVALSHA" { // the first is to enter, at the replica that took it
			i := slices.IndexFunc(found, func(s tracestest.Span) bool { return s.Attributes["db.stored_procedure.name"] == "commit" })
			if i < 0 {
				t.Error("nothing was committed")
				continue
			}
			s = found[i]
		}
		if got := trace.Above(s); !slices.Equal(got, names) || s.Kind != want.kind || s.Failed {
			t.Errorf("%s is a %v below %q, not %q: %+v", s.Name, s.Kind, got, names, s)
		}
	}
	if rule := trace.Find("roomstate", "rule")[0]; rule.Attributes["janus.request"] != "joinandconfigure" || rule.Attributes["janus.plugin"] != "janus.plugin.videoroom" {
		t.Errorf("rule: %v", rule.Attributes)
	}
	if first := trace.Find("signaling", "janus message")[0]; first.Attributes["janus.verb"] != "message" || first.Attributes["janus.transport"] != "websocket" ||
		first.Attributes["janus.session"] == "" || first.Kind != tracev1.Span_SPAN_KIND_SERVER {
		t.Errorf("request: %+v", first)
	}
	if s := trace.Find("media", "cardea.media")[0]; s.Attributes["rpc.system.name"] != "grpc" || s.Attributes["rpc.response.status_code"] != "OK" {
		t.Errorf("call: %v", s.Attributes)
	}
}
