package roomstate_test

import (
	"fmt"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

const videoRoom = "janus.plugin.videoroom"

func TestPublisherIsSeenAndSubscribedTo(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()

	al, bo := e.session().attach(videoRoom), e.session().attach(videoRoom)
	if got, _ := al.send(`{"request":"create","room":1234}`); got["videoroom"] != "created" {
		t.Fatalf("create: %v", got)
	}
	if got, _ := al.send(`{"request":"join","room":1234,"ptype":"publisher","display":"Al","id":111}`); got["videoroom"] != "joined" {
		t.Fatalf("join: %v", got)
	}
	if got, _ := bo.send(`{"request":"join","room":1234,"ptype":"publisher","id":222}`); got["videoroom"] != "joined" {
		t.Fatalf("join: %v", got)
	}
	got, event := al.send(`{"request":"configure","audio":true,"video":true}`, "offer", "audio:opus video:vp8")
	if got["configured"] != "ok" || event.GetPlugin().GetJsep().GetType() != "answer" {
		t.Fatalf("configure: %v", got)
	}
	node.up(al.id)
	bo.data(`"publishers"`, `"id":111`, `"audio_codec":"opus"`)
	al.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })

	sub := bo.session.attach(videoRoom)
	got, event = sub.send(`{"request":"join","room":1234,"ptype":"subscriber","streams":[{"feed":111}]}`)
	if got["videoroom"] != "attached" || event.GetPlugin().GetJsep().GetType() != "offer" {
		t.Fatalf("join: %v", got)
	}
	if got, _ = sub.send(`{"request":"start"}`, "answer", "fine"); got["started"] != "ok" {
		t.Fatalf("start: %v", got)
	}

	if got, _ = al.send(`{"request":"unpublish"}`); got["unpublished"] != "ok" {
		t.Fatalf("unpublish: %v", got)
	}
	sub.data(`"updated"`, `"active":false`)
	bo.data(`"unpublished":111`)
	al.wait(func(e *busv1.Event) bool { return e.GetHangup().GetReason() == "Close PC" })
}

func TestUnknownSessionHandleAndPlugin(t *testing.T) {
	c := startCluster(t, 1)
	s := c.edge().session()
	_, err := s.do(&busv1.Command{SessionId: 7, Verb: &busv1.Command_Touch{Touch: &busv1.Touch{}}})
	if fault.Of(err) != fault.SessionNotFound || fault.Text(err) != "No such session 7" {
		t.Errorf("got %v", err)
	}
	_, err = s.do(&busv1.Command{SessionId: s.id, HandleId: 8, Verb: &busv1.Command_Trickle{Trickle: &busv1.Trickle{}}})
	if want := fmt.Sprintf("No such handle 8 in session %d", s.id); fault.Of(err) != fault.HandleNotFound || fault.Text(err) != want {
		t.Errorf("got %v", err)
	}
	cmd := s.command()
	cmd.Verb = &busv1.Command_Attach{Attach: &busv1.Attach{NewHandleId: 1, Plugin: "x"}}
	if _, err = s.do(cmd); fault.Of(err) != fault.PluginNotFound || fault.Text(err) != "No such plugin 'x'" {
		t.Errorf("got %v", err)
	}
	_, err = s.do(&busv1.Command{SessionId: s.id, Verb: &busv1.Command_Create{Create: &busv1.Create{Chosen: true}}})
	if fault.Of(err) != fault.SessionIDInUse {
		t.Errorf("got %v", err)
	}
}
