package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/cardea-rtc/cardea/services/roomstate"
	"github.com/cardea-rtc/cardea/services/signaling"
)

// edges are two edges over one roomstate.
type edges struct {
	t    *testing.T
	http []string // base addresses
	ws   []string
}

// startEdges runs them until the test ends.
func startEdges(t *testing.T, change func(rs *roomstate.Config, sg *signaling.Config)) *edges {
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
	rs, _, sg, err := serviceConfigs(defaults(t), bus.ClientURL(), "redis://"+store.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []*string{&sg.Listen, &sg.HTTPListen, &sg.AdminListen, &sg.AdminHTTPListen, &sg.OpsListen} {
		*address = "127.0.0.1:0"
	}
	if change != nil {
		change(&rs, &sg)
	}
	log := slog.New(slog.DiscardHandler)
	run := func(serve func(context.Context) error) { serving(t, serve) }
	run(func(ctx context.Context) error { return roomstate.Run(ctx, rs, log) })
	e := &edges{t: t}
	for i := range 2 {
		listening := make(chan map[string]net.Addr, 1)
		one := sg
		one.Name = fmt.Sprint("edge-", i)
		one.Listening = func(a map[string]net.Addr) { listening <- a }
		run(func(ctx context.Context) error { return signaling.Run(ctx, one, log) })
		select {
		case a := <-listening:
			e.http = append(e.http, "http://"+a["http"].String()+sg.HTTPPath)
			e.ws = append(e.ws, "ws://"+a["ws"].String())
		case <-time.After(20 * time.Second):
			t.Fatal("an edge does not listen")
		}
	}
	return e
}

// post sends a request to an edge and returns the answer.
func (e *edges) post(edge int, path, body string) map[string]any {
	e.t.Helper()
	resp, err := http.Post(e.http[edge]+path, "application/json", strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		e.t.Fatalf("%s: status %d, %v", body, resp.StatusCode, err)
	}
	return answer
}

// session makes a session with one EchoTest handle, and returns their path.
func (e *edges) session() (session, handle string) {
	e.t.Helper()
	id := func(answer map[string]any) string {
		data, ok := answer["data"].(map[string]any)
		if !ok {
			e.t.Fatalf("got %v", answer)
		}
		return fmt.Sprintf("%.0f", data["id"])
	}
	session = "/" + id(e.post(0, "", `{"janus":"create","transaction":"c"}`))
	return session, session + "/" + id(e.post(1, session, `{"janus":"attach","plugin":"janus.plugin.echotest","transaction":"a"}`))
}

// poll returns the status and what a long poll was answered with.
func (e *edges) poll(ctx context.Context, edge int, path string) (int, []map[string]any) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.http[edge]+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	var many []map[string]any
	if strings.HasPrefix(string(b), "{") {
		b = []byte("[" + string(b) + "]")
	}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &many); err != nil {
			e.t.Fatalf("%s: %v", b, err)
		}
	}
	return resp.StatusCode, many
}

// send raises one event, told by its transaction: EchoTest refuses an empty message by an event.
func (e *edges) send(edge int, handle, transaction string) {
	e.t.Helper()
	if answer := e.post(edge, handle, `{"janus":"message","body":{},"transaction":"`+transaction+`"}`); answer["janus"] != "ack" {
		e.t.Fatalf("got %v", answer)
	}
}

// want polls at one edge after the other until the events with these transactions have come, in that order and once.
func (e *edges) want(session string, first, last int) {
	e.t.Helper()
	for turn := 0; first <= last; turn++ {
		status, events := e.poll(e.t.Context(), turn%2, fmt.Sprintf("%s?maxev=%d", session, 1+turn%3))
		if status != http.StatusOK {
			e.t.Fatalf("status %d", status)
		}
		for _, event := range events {
			if event["transaction"] != fmt.Sprint(first) {
				e.t.Fatalf("got %v, want transaction %d", event, first)
			}
			first++
		}
	}
}

func TestAnyEdgeServesAPolledSession(t *testing.T) {
	e := startEdges(t, nil)
	session, handle := e.session()
	go func() {
		for i := 1; i <= 40; i++ {
			e.send(i%2, handle, fmt.Sprint(i))
		}
	}()
	e.want(session, 1, 40)
}

func TestAPollThatIsLeftLosesNothing(t *testing.T) {
	e := startEdges(t, nil)
	session, handle := e.session()
	for i := range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() { defer close(left); e.poll(ctx, i%2, session+"?maxev=5") }()
		if i%3 > 0 {
			time.Sleep(50 * time.Millisecond) // whether it has begun to wait or not
		}
		cancel()
		<-left
	}
	time.Sleep(300 * time.Millisecond) // edges hear of closed connections a little later
	for i := range 6 {
		e.send(i%2, handle, fmt.Sprint(i+1))
	}
	e.want(session, 1, 6)
}

func TestSeveralPollsGetEachEventOnce(t *testing.T) {
	e := startEdges(t, nil)
	session, handle := e.session()
	events := make(chan map[string]any, 100)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{}, 4)
	for i := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for ctx.Err() == nil {
				_, some := e.poll(ctx, i%2, session+"?maxev=2")
				for _, event := range some {
					events <- event
				}
			}
		}()
	}
	for i := 1; i <= 20; i++ {
		e.send(i%2, handle, fmt.Sprint(i))
	}
	seen := map[any]bool{}
	for len(seen) < 20 {
		select {
		case event := <-events:
			if event["janus"] != "event" || seen[event["transaction"]] {
				t.Fatalf("got %v", event)
			}
			seen[event["transaction"]] = true
		case <-time.After(20 * time.Second):
			t.Fatalf("only %d events came", len(seen))
		}
	}
	stop()
	for range 4 {
		<-done
	}
}

func TestClaimsMoveASessionBetweenTransports(t *testing.T) {
	e := startEdges(t, nil)
	session, handle := e.session()
	e.send(0, handle, "1")
	e.want(session, 1, 1)
	e.send(1, handle, "2")

	waiting := make(chan int, 1)
	// Takes event 2 or, if the claim is sooner, none: then the socket gets it.
	status, events := e.poll(t.Context(), 1, session)
	if status != http.StatusOK || events[0]["transaction"] != "2" {
		t.Fatalf("got %d, %v", status, events)
	}
	go func() { status, _ := e.poll(t.Context(), 1, session); waiting <- status }()
	time.Sleep(100 * time.Millisecond)

	conn, resp, err := (&websocket.Dialer{Subprotocols: []string{"janus-protocol"}}).Dial(e.ws[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	next := func() map[string]any {
		t.Helper()
		var m map[string]any
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if err := conn.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"janus":"claim","transaction":"w","session_id":`+session[1:]+`}`)); err != nil {
		t.Fatal(err)
	}
	if m := next(); m["janus"] != "success" {
		t.Fatalf("claim: %v", m)
	}
	if status := <-waiting; status != http.StatusOK {
		t.Errorf("the poll that waited: %d", status)
	}
	if status, _ := e.poll(t.Context(), 0, session); status != http.StatusNotFound {
		t.Errorf("a poll of a socket's session: %d", status)
	}
	e.send(1, handle, "3")
	if m := next(); m["transaction"] != "3" {
		t.Fatalf("got %v", m)
	}

	// And back, at the edge that has the socket and at the other one.
	for edge := range 2 {
		if m := e.post(edge, session, `{"janus":"claim","transaction":"h"}`); m["janus"] != "success" {
			t.Fatalf("claim: %v", m)
		}
		e.send(edge, handle, fmt.Sprint(4+edge))
		e.want(session, 4+edge, 4+edge)
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"janus":"claim","transaction":"w","session_id":`+session[1:]+`}`)); err != nil {
			t.Fatal(err)
		}
		if m := next(); m["janus"] != "success" {
			t.Fatalf("got %v", m)
		}
	}
	conn.Close()
	deadline := time.Now().Add(20 * time.Second) // no time to reclaim is set: its socket's end is the session's
	for e.post(0, session, `{"janus":"keepalive","transaction":"k"}`)["janus"] != "error" {
		if time.Now().After(deadline) {
			t.Fatal("the session goes on without its socket")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestAPollHearsOfTheTimeout(t *testing.T) {
	e := startEdges(t, func(rs *roomstate.Config, _ *signaling.Config) { rs.SessionTimeout = 3 * time.Second })
	session, _ := e.session()
	if _, events := e.poll(t.Context(), 1, session+"?maxev=3"); len(events) != 1 || events[0]["janus"] != "timeout" {
		t.Errorf("got %v", events)
	}
	if status, _ := e.poll(t.Context(), 0, session); status != http.StatusNotFound {
		t.Errorf("afterwards: %d", status)
	}
}

func TestDestroyEndsAWaitingPoll(t *testing.T) {
	e := startEdges(t, nil)
	session, _ := e.session()
	events := make(chan []map[string]any, 1)
	go func() { _, some := e.poll(t.Context(), 1, session); events <- some }()
	time.Sleep(100 * time.Millisecond)
	e.post(0, session, `{"janus":"destroy","transaction":"d"}`)
	if some := <-events; len(some) > 1 || len(some) == 1 && some[0]["janus"] != "keepalive" {
		t.Errorf("got %v", some)
	}
	if status, _ := e.poll(t.Context(), 1, session); status != http.StatusNotFound {
		t.Errorf("afterwards: %d", status)
	}
}

// serving runs serve until the test ends, and then waits for it.
func serving(t *testing.T, serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
