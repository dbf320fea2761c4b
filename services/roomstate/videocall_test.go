package roomstate_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

const videoCall = "janus.plugin.videocall"

// caller is a handle that is registered under a name.
func (e *edge) caller(name string) *handle {
	e.t.Helper()
	h := e.session().attach(videoCall)
	if got, _ := h.send(`{"request":"register","username":"` + name + `"}`); got["error"] != nil {
		e.t.Fatal(got)
	}
	return h
}

func result(got object) string {
	o, _ := got["result"].(map[string]any)
	return fmt.Sprint(o["event"], " ", o["reason"])
}

// Everyone calls the same one at the same time, while replicas come and go: one of them gets through, and when the session of
// one party ends, both can be called again.
func TestOneCallAtATime(t *testing.T) {
	c := startCluster(t, 1)
	leaves := c.startReplica()
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	callee := e.caller("callee")
	const people = 6
	callers := make([]*handle, people)
	for i := range callers {
		callers[i] = e.caller(fmt.Sprint("caller", i))
	}
	results := make([]string, people)
	var wg sync.WaitGroup
	for i, h := range callers {
		wg.Go(func() {
			got, _ := h.send(`{"request":"call","username":"callee"}`, "offer", fmt.Sprint("audio:opus ", i))
			results[i] = result(got)
		})
	}
	c.startReplica()
	leaves()
	wg.Wait()
	through := slices.Index(results, "calling <nil>")
	if through < 0 {
		t.Fatalf("nobody got through: %q", results)
	}
	for i, r := range results {
		if i != through && r != "hangup User busy" {
			t.Errorf("%d: %s", i, r)
		}
	}
	callee.data(`"incomingcall"`, fmt.Sprint("caller", through))
	waitPeers(t, node, slices.Sorted(slices.Values([]string{peerOf(callee), peerOf(callers[through])}))...)
	if got, _ := callee.send(`{"request":"accept"}`, "answer", "audio:opus"); result(got) != "accepted <nil>" {
		t.Fatal(got)
	}
	callers[through].data(`"accepted"`, `"callee"`)

	end := callers[through].session.command()
	end.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
	c.edge().must(end)
	callee.data(`"Remote WebRTC hangup"`, fmt.Sprint("caller", through))
	callee.wait(func(e *busv1.Event) bool { return e.GetHangup().GetReason() == "Close PC" })
	waitPeers(t, node)
	other := callers[(through+1)%people]
	if got, _ := other.send(fmt.Sprintf(`{"request":"call","username":"caller%d"}`, through), "offer", "x"); got["error_code"] != 478.0 {
		t.Errorf("who is gone can be called: %v", got)
	}
	if got, _ := other.send(`{"request":"call","username":"callee"}`, "offer", "x"); result(got) != "calling <nil>" {
		t.Errorf("the callee cannot be called again: %v", got)
	}
}

func peerOf(h *handle) string { return fmt.Sprintf("%d/%d/1", h.session.id, h.id) }

func TestNamesAreGivenOnce(t *testing.T) {
	c := startCluster(t, 2)
	e := c.edge()
	const people = 8
	handles := make([]*handle, people)
	for i := range handles {
		handles[i] = e.session().attach(videoCall)
	}
	var mu sync.Mutex
	var won []*handle
	var wg sync.WaitGroup
	for _, h := range handles {
		wg.Go(func() {
			if got, _ := h.send(`{"request":"register","username":"one"}`); got["error"] == nil {
				mu.Lock()
				defer mu.Unlock()
				won = append(won, h)
			} else if got["error_code"] != 476.0 {
				t.Errorf("register: %v", got)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d have the name", len(won))
	}
	end := won[0].session.command()
	end.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
	e.must(end)
	next := handles[0]
	if next == won[0] {
		next = handles[1]
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, _ := next.send(`{"request":"register","username":"one"}`)
		if got["error"] == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the name is not given back: %v", got)
		}
	}
}

// A node dies with a call: both parties hear of it and can call again, on another node.
func TestCallEndsWithItsNode(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	al, bo := e.caller("al"), e.caller("bo")
	if got, _ := al.send(`{"request":"call","username":"bo"}`, "offer", "bad"); got["error"] == nil {
		t.Errorf("a bad offer: %v", got)
	}
	if got, _ := al.send(`{"request":"call","username":"bo"}`, "offer", "audio:opus"); result(got) != "calling <nil>" {
		t.Fatal(got)
	}
	if got, _ := bo.send(`{"request":"accept"}`, "answer", "audio:opus"); result(got) != "accepted <nil>" {
		t.Fatal(got)
	}
	node.stop()
	al.data(`"Remote WebRTC hangup"`, `"bo"`)
	bo.data(`"Remote WebRTC hangup"`, `"al"`)
	startNode(t, c.conn, "node-2")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got, _ := bo.send(`{"request":"call","username":"al"}`, "offer", "audio:opus")
		if result(got) == "calling <nil>" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no call on another node: %v", got)
		}
	}
	al.data(`"incomingcall"`)
}

// Who is called may leave while the node is being asked: the call comes to nothing, and the node keeps no peer.
func TestCalleeWhoLeavesMeanwhile(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	asked, release := make(chan struct{}), make(chan struct{})
	node.hold = func() { close(asked); <-release }
	e := c.edge()
	al, bo := e.caller("al"), e.caller("bo")
	answered := make(chan object, 1)
	go func() {
		got, _ := al.send(`{"request":"call","username":"bo"}`, "offer", "audio:opus")
		answered <- got
	}()
	<-asked
	detach := bo.command()
	detach.Verb = &busv1.Command_Detach{Detach: &busv1.Detach{}}
	e.must(detach)
	close(release)
	if got := <-answered; got["error_code"] != 478.0 {
		t.Errorf("call: %v", got)
	}
	waitPeers(t, node)
}
