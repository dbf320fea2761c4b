package roomstate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// eventually waits until holds does.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// listed is what list_nodes says of a node.
func (e *edge) listed(node string) map[string]any {
	e.t.Helper()
	got, err := e.admin(0, "list_nodes", "{}")
	if err != nil {
		e.t.Fatal(err)
	}
	list, _ := got["nodes"].([]any)
	for _, item := range list {
		if one, _ := item.(map[string]any); one["name"] == node {
			return one
		}
	}
	return nil
}

func TestADrainedNodeIsEmptiedAndCanBeGivenWorkAgain(t *testing.T) {
	c := startCluster(t, 2)
	first := startNode(t, c.conn, "node-1")
	e := c.edge()
	al, bo := e.session().attach(videoRoom), e.session().attach(videoRoom)
	al.send(`{"request":"create","room":1}`)
	al.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	al.send(`{"request":"publish"}`, "offer", "audio:opus video:vp8")
	first.up(al.id)
	al.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })
	bo.send(`{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":77}]}`)
	bo.send(`{"request":"start"}`, "answer", "fine")
	first.up(bo.id)
	bo.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })
	echo := e.session().attach("janus.plugin.echotest")
	echo.send(`{"audio":true}`, "offer", "audio:opus") // it never comes up, and so stays

	drain := `{"node":"node-1","deadline":30}`
	e.refuses(0, "drain_node", `{"node":"node-9"}`, fault.BadRequest, "No such node (node-9)")
	e.refuses(0, "drain_node", drain, fault.NodeUnavailable, "There is no other node to take what is on node-1")
	if first.draining.Load() {
		t.Error("a node that nobody can relieve is drained")
	}

	second := startNode(t, c.conn, "node-2")
	second.from = first
	eventually(t, "not drained", func() bool { _, err := e.admin(0, "drain_node", drain); return err == nil })
	eventually(t, "peers are left", func() bool { return len(first.has()) == 1 && len(second.has()) == 2 })
	if left := first.has()[0]; !strings.HasPrefix(left, fmt.Sprintf("%d/%d/", echo.session.id, echo.id)) {
		t.Errorf("left is %s", left)
	}
	for _, h := range []*handle{al, bo} {
		got := h.wait(func(e *busv1.Event) bool { return e.GetCandidate() != nil }).GetCandidate()
		if got.GetCandidate() != "candidate:1 1 udp 9 192.0.2.7 10000 typ host" || got.GetSdpMid() != "0" {
			t.Errorf("candidate: %v", got)
		}
	}
	eventually(t, "the store knows otherwise", func() bool {
		on1, _ := c.peersOn("node-1")
		on2, _ := c.peersOn("node-2")
		return len(on1) == 1 && len(on2) == 2
	})
	if d, _ := e.listed("node-1")["drain"].(map[string]any); d["peers"] != 3.0 || d["left"] != 1.0 || d["over"] != false {
		t.Errorf("drain: %v", d)
	}
	if n := e.listed("node-1"); n["draining"] != true || n["takes_work"] != false {
		t.Errorf("node: %v", n)
	}

	// What comes now goes to the other one, although there is somebody of the room on this one no more.
	cy := e.session().attach(videoRoom)
	cy.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	cy.send(`{"request":"publish"}`, "offer", "audio:opus")
	if len(second.has()) != 3 {
		t.Errorf("on the second node: %v", second.has())
	}

	e.wants(0, "undrain_node", `{"node":"node-1"}`, `{"id":"node-1","node":"node-1"}`)
	eventually(t, "no work again", func() bool { return e.listed("node-1")["takes_work"] == true })
	if d := e.listed("node-1")["drain"]; d != nil {
		t.Errorf("drain: %v", d)
	}
}

func TestAHandleIsMovedWhereItIsTold(t *testing.T) {
	c := startCluster(t, 1)
	first, second := startNode(t, c.conn, "node-1"), startNode(t, c.conn, "node-2")
	second.from = first
	e := c.edge()
	h := e.session().attach(videoRoom)
	h.send(`{"request":"create","room":1}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	move := func(to string) error {
		_, err := e.do(&busv1.Command{SessionId: h.session.id, HandleId: h.id, Verb: &busv1.Command_Admin{
			Admin: &busv1.Admin{Request: "move_handle", Parameters: []byte(`{"node":"` + to + `"}`)},
		}})
		return err
	}
	if err := move(""); fault.Of(err) != fault.WrongState || fault.Text(err) != "Handle has no PeerConnection" {
		t.Errorf("without a PeerConnection: %v", err)
	}
	eventually(t, "no second node", func() bool { return e.listed("node-1") != nil && e.listed("node-2") != nil })
	h.send(`{"request":"publish"}`, "offer", "audio:opus")
	first.up(h.id)
	h.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })
	if err := move("node-9"); fault.Of(err) != fault.BadRequest {
		t.Errorf("to nowhere: %v", err)
	}
	if err := move("node-1"); err != nil { // where it is
		t.Error(err)
	}
	if err := move("node-2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not moved", func() bool { return len(second.has()) == 1 && len(first.has()) == 0 })

	// It ends from there, by one word.
	eventually(t, "the room does not know", func() bool { on, _ := c.peersOn("node-1"); return len(on) == 0 })
	h.send(`{"request":"unpublish"}`)
	h.wait(func(e *busv1.Event) bool { return e.GetHangup().GetReason() == "Close PC" })
	eventually(t, "the second node has it still", func() bool { return len(second.has()) == 0 })

	echo := e.session().attach("janus.plugin.echotest")
	echo.send(`{"audio":true}`, "offer", "audio:opus")
	h = echo
	if err := move(""); fault.Of(err) != fault.WrongState {
		t.Errorf("an echo: %v", err)
	}
}
