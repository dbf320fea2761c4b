package roomstate_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

// sessionAt is a session whose edge hears of all its sessions on that subject.
func (e *edge) sessionAt(subject string) *session {
	s := &session{edge: e, id: randomID(), socket: &busv1.Socket{Edge: "e", Id: bus.NewCommandID(), Events: subject}}
	s.listen()
	e.must(&busv1.Command{SessionId: s.id, Socket: s.socket, Verb: &busv1.Command_Create{Create: &busv1.Create{}}})
	return s
}

// TestAnEdgeIsToldOfAllItsSessionsAtOnce, of the one that asked with the answer, and who has no such edge as before.
func TestAnEdgeIsToldOfAllItsSessionsAtOnce(t *testing.T) {
	c := startCluster(t, 1)
	subject := bus.EdgeEvents("test")
	bundles := make(chan *busv1.Bundle, 100)
	sub, err := c.conn.Subscribe(subject, func(m *nats.Msg) {
		b := new(busv1.Bundle)
		if err := proto.Unmarshal(m.Data, b); err != nil {
			t.Error(err)
		}
		bundles <- b
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	e := c.edge()
	var there []*handle
	for range 2 {
		there = append(there, e.sessionAt(subject).attach(videoRoom))
	}
	lone := e.session().attach(videoRoom)
	if got, _ := lone.send(`{"request":"create","room":1,"publishers":20,"notify_joining":true}`); got["videoroom"] != "created" {
		t.Fatal(got)
	}
	lone.send(`{"request":"join","room":1,"ptype":"publisher","id":9}`)
	joins := func(h *handle, body string) {
		t.Helper()
		cmd := h.message(body)
		reply := h.must(cmd)
		if r := reply.GetRaised(); len(r) != 1 || r[0].GetCommandId() != cmd.GetId() || r[0].GetTransaction() != cmd.GetTransaction() ||
			r[0].GetNumber() != reply.GetLastEvent() || !has(r[0], `"joined"`) {
			t.Errorf("with the answer comes %v", reply)
		}
	}
	joins(there[0], `{"request":"join","room":1,"ptype":"publisher","id":1}`)
	joins(there[1], `{"request":"join","room":1,"ptype":"publisher","id":2}`)
	select {
	case b := <-bundles:
		var ev busv1.Event
		if len(b.GetRuns()) != 1 || len(b.GetKinds()) != 1 {
			t.Fatalf("told %v", b)
		}
		run := b.GetRuns()[0]
		if err := proto.Unmarshal(append(run.GetTo(), b.GetKinds()[0]...), &ev); err != nil {
			t.Fatal(err)
		}
		if ev.GetSessionId() != there[0].session.id || ev.GetHandleId() != there[0].id || run.GetFirst() != 2 || !has(&ev, `"joining":{"id":2`) {
			t.Errorf("told %v of %v", run, &ev)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is told")
	}
	lone.data(`"joining":{"id":1`)
	lone.data(`"joining":{"id":2`)
	for _, h := range there { // the session's own subject is that of others by now
		for _, ev := range h.all() {
			t.Errorf("told twice: %v", ev)
		}
	}
	// A repeat says by itself what the answer to the first would have said.
	cmd := there[0].message(`{"request":"configure","display":"Al"}`)
	first := there[0].must(cmd)
	again := there[0].must(cmd)
	if len(first.GetRaised()) != 1 || len(again.GetRaised()) != 0 || again.GetLastEvent() != first.GetLastEvent() {
		t.Errorf("first %v, again %v", first, again)
	}
	there[0].wait(func(e *busv1.Event) bool { return e.GetCommandId() == cmd.GetId() })
}

// TestACommandThatTakesTimeIsAcceptedMeanwhile.
func TestACommandThatTakesTimeIsAcceptedMeanwhile(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	al := e.session().attach(videoRoom)
	al.send(`{"request":"create","room":1}`)
	al.send(`{"request":"join","room":1,"ptype":"publisher","id":1}`)
	if got, _ := al.send(`{"request":"publish"}`, "offer", "audio:opus"); got["configured"] != "ok" {
		t.Fatal(got)
	}
	node.up(al.id)
	bo := e.session().attach(videoRoom)
	accepted, held := make(chan struct{}), false
	node.hold = sync.OnceFunc(func() { held = true; <-accepted }) // until that is said
	cmd := bo.message(`{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1}]}`)
	reply, err := e.requests.Do(t.Context(), bus.Commands, cmd, func(string) { close(accepted) })
	if err != nil || reply.GetDone() == nil || !held {
		t.Errorf("%v, %v, %t", reply, err, held)
	}
	bo.data(`"attached"`)
}
