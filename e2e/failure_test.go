//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// TestLossOfAReplica kills one of two roomstate replicas under a call: pictures go on, and soon after so does
// signalling, for rooms of every shard.
func TestLossOfAReplica(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	a.Replicas[0].Kill()
	tabs[0].WaitMoreFrames(3, 10*time.Second)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, session, handle := attach(ctx, t, a.URLs[1], "janus.plugin.videoroom")
	began := time.Now()
	for room := range 100 { // of so many, some belong to every shard
		body := janus.Object{"request": "create", "room": 5000 + room}
		if _, err := conn.Message(ctx, session, handle, body, nil); err != nil {
			t.Fatalf("room %d after %v: %v", room, time.Since(began), err)
		}
	}
	t.Logf("100 rooms of all shards made %v after the replica died", time.Since(began).Round(time.Millisecond))
}

// TestLossOfAnEdge kills the edge that holds a session: the session is claimed on the other one, and what was raised
// in between comes once.
func TestLossOfAnEdge(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	owner, session, handle := attach(ctx, t, a.URLs[0], "janus.plugin.videoroom")
	other, otherSession, otherHandle := attach(ctx, t, a.URLs[1], "janus.plugin.videoroom")
	join := func(c *janus.Conn, session, handle uint64, id int) {
		body := janus.Object{"request": "join", "ptype": "publisher", "room": 7001, "id": id}
		if _, err := c.Message(ctx, session, handle, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	must(ctx, t, other, otherSession, otherHandle, janus.Object{"request": "create", "room": 7001, "notify_joining": true})

	join(owner, session, handle, 1)
	a.Edges[0].Kill()
	join(other, otherSession, otherHandle, 2) // raises an event for the orphan

	heard := make(chan janus.Message, 100)
	claimer, err := janus.Dial(ctx, a.URLs[1], func(m janus.Message) { heard <- m })
	if err != nil {
		t.Fatal(err)
	}
	defer claimer.Close()
	if _, err := claimer.Request(ctx, janus.Object{"janus": "claim", "session_id": session}); err != nil {
		t.Fatal(err)
	}
	joinings := 0
	for quiet := time.After(2 * time.Second); ; {
		select {
		case m := <-heard:
			t.Logf("heard %s", m.Raw)
			if m.Janus == "event" && m.Transaction == "" {
				joinings++
			}
			continue
		case <-quiet:
		}
		break
	}
	if joinings != 1 {
		t.Errorf("the missed event came %d times", joinings)
	}
	must(ctx, t, claimer, session, handle, janus.Object{"request": "listparticipants", "room": 7001})
}

// TestLossOfANode kills the node that a call is on, and with it the one that could save it: everyone is told, and can publish
// again on another node.
func TestLossOfANode(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs[0])
	a.KillNodes(t)
	tabs[0].WaitFor("the others' pictures to go", `document.querySelectorAll('video').length <= 1`, 30*time.Second)
	tabs[0].Screenshot("told")

	browser := chrome.Start(t)
	var again []*chrome.Tab
	for i := range 2 {
		tab := browser.Open(t, fmt.Sprint("again", i), demos.Serve(t, a.URLs[0])+"/mvideoroomtest.html")
		tab.Click("#start")
		tab.Type("#username", fmt.Sprint("again", i))
		tab.Click("#register")
		again = append(again, tab)
	}
	for _, tab := range again {
		tab.WaitVideos(2, 40*time.Second)
	}
	again[0].Screenshot("again")
}

// TestOutageOfTheStores stops NATS and Redis under a call: the pictures go on, and when they are back so does signalling.
func TestOutageOfTheStores(t *testing.T) {
	t.Parallel()
	a := cluster.StartApart(t)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs[0])
	a.Pause()
	tabs[0].WaitMoreFrames(3, 10*time.Second)
	time.Sleep(5 * time.Second)
	tabs[1].WaitMoreFrames(3, 10*time.Second)
	a.Continue()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	conn, session, handle := attach(ctx, t, a.URLs[0], "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "exists", "room": 1234})
	t.Logf("signalling works %v after the return", time.Since(began).Round(time.Millisecond))
	tabs[2].WaitMoreFrames(3, 10*time.Second)
}

// attach opens a socket, a session and a handle.
func attach(ctx context.Context, t *testing.T, url, plugin string) (*janus.Conn, uint64, uint64) {
	t.Helper()
	conn, err := janus.Dial(ctx, url, func(janus.Message) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	session, err := conn.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := conn.Attach(ctx, session, plugin)
	if err != nil {
		t.Fatal(err)
	}
	return conn, session, handle
}

func must(ctx context.Context, t *testing.T, c *janus.Conn, session, handle uint64, body janus.Object) janus.Message {
	t.Helper()
	m, err := c.Message(ctx, session, handle, body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
