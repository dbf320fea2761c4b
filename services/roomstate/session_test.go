package roomstate_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

func TestRepeatedCommandTakesEffectOnce(t *testing.T) {
	c := startCluster(t, 2)
	s := c.edge().session()
	h := s.attach(videoRoom)
	h.send(`{"request":"create","room":1,"notify_joining":true}`)
	watcher := s.attach(videoRoom)
	watcher.send(`{"request":"join","room":1,"ptype":"publisher"}`)

	join := h.message(`{"request":"join","room":1,"ptype":"publisher"}`)
	for range 3 {
		if reply, err := s.do(proto.CloneOf(join)); err != nil || !reply.GetDone().GetAsync() {
			t.Fatalf("join: %v, %v", reply, err)
		}
	}
	detach := h.command()
	detach.Verb = &busv1.Command_Detach{Detach: &busv1.Detach{}}
	for range 3 {
		if _, err := s.do(proto.CloneOf(detach)); err != nil {
			t.Fatalf("detach: %v", err)
		}
	}
	watcher.data(`"leaving"`)
	count := map[string]int{}
	for _, e := range s.all() {
		switch {
		case has(e, `"joining"`):
			count["joining"]++
		case has(e, `"leaving"`):
			count["leaving"]++
		case e.GetDetached() != nil:
			count["detached"]++
		case e.GetCommandId() == join.GetId():
			count["joined"]++
		}
	}
	for what, n := range count {
		if n != 1 {
			t.Errorf("%s: %d times", what, n)
		}
	}
	if len(count) != 4 {
		t.Errorf("seen: %v", count)
	}
}

func TestClaimBringsMissedEventsOnce(t *testing.T) {
	c := startCluster(t, 2, func(cfg *roomstate.Config) { cfg.ReclaimSessionTimeout = time.Minute })
	e := c.edge()
	s, other := e.session(), e.session()
	h, o := s.attach(videoRoom), other.attach(videoRoom)
	h.send(`{"request":"create","room":1,"notify_joining":true}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	first := s.all()
	delivered := first[len(first)-1].GetNumber()

	lost := s.command()
	lost.SessionId, lost.Socket, lost.Delivered = s.id, s.socket, delivered
	lost.Verb = &busv1.Command_Lost{Lost: &busv1.Lost{}}
	s.must(lost)
	o.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)

	claim := &busv1.Command{
		Id: bus.NewCommandID(), SessionId: s.id, Socket: &busv1.Socket{Edge: "other", Id: "new"},
		Verb: &busv1.Command_Claim{Claim: &busv1.Claim{}},
	}
	for range 2 { // a repeat brings the same
		missed := s.must(proto.CloneOf(claim)).GetDone().GetMissed()
		if len(missed) != 2 || !has(missed[0], `"joining":{"id":77}`) || missed[1].GetMoved() == nil {
			t.Fatalf("missed: %v", missed)
		}
	}
	s.wait(func(e *busv1.Event) bool { return e.GetMoved().GetOwner().GetId() == "new" })

	// The old socket's loss changes nothing any more.
	s.must(proto.CloneOf(lost))
	lost.Id = bus.NewCommandID()
	s.must(lost)
	touch := s.command()
	touch.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
	s.must(touch)
}

// The old edge says what its endpoint was given, which may be more than any command has told so far.
func TestClaimBringsNothingThatTheOldEdgeDelivered(t *testing.T) {
	c := startCluster(t, 1)
	s := c.edge().session()
	h := s.attach(videoRoom)
	for range 3 {
		h.send(`{"request":"start"}`) // an error is an event as well
	}
	claim := &busv1.Command{
		SessionId: s.id, Socket: &busv1.Socket{Edge: "other", Id: "new"}, Delivered: 2,
		Verb: &busv1.Command_Claim{Claim: &busv1.Claim{}},
	}
	if missed := s.must(claim).GetDone().GetMissed(); len(missed) != 2 || missed[0].GetNumber() != 3 {
		t.Errorf("missed: %v", missed)
	}
	// What is known to be delivered stays so.
	claim.Id, claim.Socket, claim.Delivered = "", &busv1.Socket{Edge: "third", Id: "newer"}, 1
	if missed := s.must(claim).GetDone().GetMissed(); len(missed) != 3 || missed[0].GetNumber() != 3 {
		t.Errorf("missed: %v", missed)
	}
}

// An edge that ends says what its endpoints were given. That ends no session, whatever may be said of lost sockets.
func TestAnEdgeThatEndsLosesNoSession(t *testing.T) {
	c := startCluster(t, 1)
	s := c.edge().session()
	h := s.attach(videoRoom)
	for range 3 {
		h.send(`{"request":"start"}`)
	}
	lost := s.command()
	lost.SessionId, lost.Socket, lost.Delivered = s.id, s.socket, 2
	lost.Verb = &busv1.Command_Lost{Lost: &busv1.Lost{ByEdge: true}}
	s.must(lost)
	claim := &busv1.Command{
		SessionId: s.id, Socket: &busv1.Socket{Edge: "other", Id: "new"}, Verb: &busv1.Command_Claim{Claim: &busv1.Claim{}},
	}
	if missed := s.must(claim).GetDone().GetMissed(); len(missed) != 2 || missed[0].GetNumber() != 3 {
		t.Errorf("missed: %v", missed)
	}
}

// The replica that carried a command out may not have lived to publish its events.
func TestRepeatedCommandPublishesItsEventsAgain(t *testing.T) {
	c := startCluster(t, 2)
	e := c.edge()
	s, other := e.session(), e.session()
	h, o := s.attach(videoRoom), other.attach(videoRoom)
	o.send(`{"request":"create","room":1,"notify_joining":true}`)
	o.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	join := h.message(`{"request":"join","room":1,"ptype":"publisher"}`)
	s.must(proto.CloneOf(join))
	o.data(`"joining"`)

	count := func(s *session) int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.published
	}
	again := func(cmd *busv1.Command, sessions ...*session) {
		t.Helper()
		before := map[*session]int{}
		for _, s := range sessions {
			before[s] = count(s)
		}
		s.must(proto.CloneOf(cmd))
		for _, s := range sessions {
			for deadline := time.Now().Add(5 * time.Second); count(s) == before[s]; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%T: nothing came again", cmd.GetVerb())
				}
			}
		}
	}
	again(join, s, other)
	destroy := s.command()
	destroy.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
	s.must(proto.CloneOf(destroy))
	s.wait(func(e *busv1.Event) bool { return e.GetEnded() != nil })
	again(destroy, s)
}

func TestEdgeHearsThatASessionIsOver(t *testing.T) {
	destroyed := func(s *session) {
		cmd := s.command()
		cmd.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
		s.must(cmd)
	}
	lost := func(s *session) {
		cmd := s.command()
		cmd.Verb = &busv1.Command_Lost{Lost: &busv1.Lost{}}
		s.must(cmd)
	}
	for name, tc := range map[string]struct {
		reclaim time.Duration
		end     func(s *session)
	}{
		"destroyed":   {0, destroyed},
		"lost":        {0, lost},
		"not claimed": {time.Second, lost},
	} {
		t.Run(name, func(t *testing.T) {
			c := startCluster(t, 2, func(cfg *roomstate.Config) { cfg.ReclaimSessionTimeout = tc.reclaim })
			s := c.edge().session()
			s.attach(videoRoom).send(`{"request":"start"}`)
			tc.end(s)
			s.wait(func(e *busv1.Event) bool { return e.GetEnded() != nil && e.GetNumber() == 2 })
		})
	}
}

func TestResumeGivesEventsAfterANumber(t *testing.T) {
	c := startCluster(t, 1)
	s := c.edge().session()
	h := s.attach(videoRoom)
	for range 3 {
		h.send(`{"request":"start"}`) // an error is an event as well
	}
	data, err := proto.Marshal(&busv1.Resume{SessionId: s.id, After: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.conn.Request(bus.Resumes, data, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var events busv1.Events
	if err := proto.Unmarshal(m.Data, &events); err != nil {
		t.Fatal(err)
	}
	if got := events.GetEvents(); len(got) != 2 || got[0].GetNumber() != 2 || got[1].GetNumber() != 3 {
		t.Errorf("got %v", got)
	}
}

func TestSessionWithoutRequestsTimesOutAndLeavesItsRoom(t *testing.T) {
	c := startCluster(t, 2, func(cfg *roomstate.Config) { cfg.SessionTimeout = 3 * time.Second })
	e := c.edge()
	s, other := e.session(), e.session()
	h, o := s.attach(videoRoom), other.attach(videoRoom)
	o.send(`{"request":"create","room":1}`)
	o.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	left := make(chan string, 1)
	go func() { left <- o.data(`"leaving":77`) }()
	for done := false; !done; {
		touch := other.command()
		touch.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
		other.must(touch)
		select {
		case <-left:
			done = true
		case <-time.After(500 * time.Millisecond):
		}
	}
	s.wait(func(e *busv1.Event) bool { return e.GetTimedOut() != nil })
	for _, e := range s.all() {
		if e.GetDetached() != nil {
			t.Error("detached was sent")
		}
	}
	touch := s.command()
	touch.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
	if _, err := s.do(touch); fault.Of(err) != fault.SessionNotFound {
		t.Errorf("got %v", err)
	}
}

func TestLostSocketEndsItsSessionAtOnce(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	s, other := e.session(), e.session()
	h, o := s.attach(videoRoom), other.attach(videoRoom)
	o.send(`{"request":"create","room":1}`)
	o.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	if got, _ := h.send(`{"request":"publish"}`, "offer", "audio:opus"); got["configured"] != "ok" {
		t.Fatal(got)
	}
	node.up(h.id)
	o.data(`"publishers"`)

	lost := s.command()
	lost.Verb = &busv1.Command_Lost{Lost: &busv1.Lost{}}
	s.must(lost)
	o.data(`"unpublished":77`)
	o.data(`"leaving":77`)
	want := fmt.Sprintf("%d/%d/1 ", s.id, h.id)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		node.mu.Lock()
		closed := append([]string{}, node.closed...)
		node.mu.Unlock()
		if len(closed) == 1 && closed[0] == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("closed: %q", closed)
		}
	}
}

func TestEchoTestEchoesAndBeginsAnewAfterHangup(t *testing.T) {
	c := startCluster(t, 2)
	startNode(t, c.conn, "node-1")
	h := c.edge().session().attach("janus.plugin.echotest")
	if got, _ := h.send(`{}`); got["error_code"] != 413.0 {
		t.Errorf("empty: %v", got)
	}
	if got, _ := h.send(`{"audio":3}`); got["error"] != "Invalid element type (audio should be a boolean)" {
		t.Errorf("wrong type: %v", got)
	}
	for range 2 {
		got, event := h.send(`{"audio":true,"video":true}`, "offer", "audio:opus")
		if got["result"] != "ok" || event.GetPlugin().GetJsep().GetSdp() != "answer to audio:opus" {
			t.Fatalf("offer: %v", event)
		}
		before := len(h.all())
		hangup := h.command()
		hangup.Verb = &busv1.Command_Hangup{Hangup: &busv1.Hangup{}}
		h.must(hangup)
		h.wait(func(e *busv1.Event) bool {
			return e.GetNumber() > uint64(before) && e.GetHangup().GetReason() == "Janus API"
		})
	}
}

// A malformed candidate is only looked at, and refused, once offer and answer are done.
func TestMalformedTrickleIsRefusedOnceNegotiated(t *testing.T) {
	c := startCluster(t, 2)
	node := startNode(t, c.conn, "node-1")
	s := c.edge().session()
	h, sub, echo := s.attach(videoRoom), s.attach(videoRoom), s.attach("janus.plugin.echotest")
	malformed := func(h *handle, want fault.Reason) {
		t.Helper()
		cmd := h.command()
		cmd.Verb = &busv1.Command_Trickle{Trickle: &busv1.Trickle{Malformed: true}}
		reply, err := h.do(cmd)
		if fault.Of(err) != want || err == nil && reply.GetDone() == nil {
			t.Errorf("trickle: %v, %v", reply, err)
		}
	}
	malformed(h, "")
	h.send(`{"request":"create","room":1}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":1}`)
	malformed(h, "")
	h.send(`{"request":"publish"}`, "offer", "audio:opus")
	malformed(h, fault.BadTrickle)
	node.up(h.id)

	sub.send(`{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1}]}`)
	malformed(sub, "")
	sub.send(`{"request":"start"}`, "answer", "fine")
	malformed(sub, fault.BadTrickle)

	malformed(echo, "")
	echo.send(`{"audio":true}`, "offer", "audio:opus")
	malformed(echo, fault.BadTrickle)
}

func TestNobodyChangesTheDemoRoom(t *testing.T) {
	c := startCluster(t, 2, func(cfg *roomstate.Config) { cfg.DemoRoom = true })
	h := c.edge().session().attach(videoRoom)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if got, _ := h.send(`{"request":"exists","room":1234}`); got["exists"] == true {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no demo room")
		}
	}
	for _, body := range []string{
		`{"request":"destroy","room":1234}`, `{"request":"destroy","room":1234,"secret":""}`,
		`{"request":"edit","room":1234,"new_publishers":1}`, `{"request":"kick","room":1234,"id":1}`,
	} {
		if got, _ := h.send(body); got["error_code"] == nil {
			t.Errorf("%s: %v", body, got)
		}
	}
	if got, _ := h.send(`{"request":"join","room":1234,"ptype":"publisher"}`); got["videoroom"] != "joined" {
		t.Errorf("join: %v", got)
	}
}

func TestEchoTestTellsOfALayerThatOneHas(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	h := c.edge().session().attach("janus.plugin.echotest")
	h.send(`{"video":true}`, "offer", "video:vp8")
	node.say(&mediav1.PeerID{SessionId: h.session.id, HandleId: h.id, Generation: 1}, &busv1.PeerEvent{
		Generation: 1, Kind: &busv1.PeerEvent_Layer_{Layer: &busv1.PeerEvent_Layer{Codec: "vp8", Substream: new(int32(1)), Temporal: new(int32(2))}},
	})
	h.wait(func(e *busv1.Event) bool { return has(e, `"substream":1,"temporal":2`) })
	before := len(h.all())
	h.send(`{"substream":1,"temporal":0}`)
	var told []string
	for _, e := range h.all()[before:] {
		told = append(told, string(e.GetPlugin().GetData()))
	}
	want := []string{`{"echotest":"event","videocodec":"vp8","substream":1}`, `{"echotest":"event","result":"ok"}`}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
