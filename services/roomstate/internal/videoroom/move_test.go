package videoroom

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/moving"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// checkNodes tells whether the store lists exactly the peers that rooms know, each with its node and the one it is on its way
// to.
func (s *sim) checkNodes(t interface{ Errorf(string, ...any) }) {
	want := map[plugin.PeerKey]bool{}
	for name := range s.fields {
		room := s.room(name)
		add := func(h plugin.HandleID, p *plugin.Peer) {
			if p == nil {
				return
			}
			want[plugin.PeerKey{Node: p.Node, Handle: h, Generation: p.Generation}] = true
			if p.Next == p.Node {
				t.Errorf("%v is to move to where it is", h)
			}
			if p.Next != "" {
				want[plugin.PeerKey{Node: p.Next, Handle: h, Generation: p.Generation}] = true
			}
		}
		for _, p := range room.publishers {
			add(p.handle, p.Peer)
		}
		for _, sub := range room.subscribers {
			add(sub.handle, sub.Peer)
		}
	}
	for p := range s.on {
		if !want[p] {
			t.Errorf("%v is listed, and is not there", p)
		}
	}
	for p := range want {
		if !s.on[p] {
			t.Errorf("%v is not listed", p)
		}
	}
}

func (s *sim) room(name string) *Room {
	loaded, err := s.plugin.Load(name, s.fields[name])
	if err != nil {
		panic(err)
	}
	return loaded.(*Room)
}

func (s *sim) move(name, to string) {
	cmd := s.command(name)
	cmd.Verb = &busv1.Command_Move{Move: &busv1.Move{To: to}}
	s.do(cmd, cmd.Handle.Room)
}

func (s *sim) moved(name, node string) {
	s.news(name, &busv1.PeerEvent{NodeId: node, Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}})
}

func (s *sim) notMoved(name, node string, lost bool) {
	s.news(name, &busv1.PeerEvent{NodeId: node, Kind: &busv1.PeerEvent_NotMoved_{NotMoved: &busv1.PeerEvent_NotMoved{Lost: lost}}})
}

// peer is a handle's in room 1.
func (s *sim) peer(name string) *plugin.Peer {
	room, id := s.room("videoroom/1"), s.handle(name).ID
	if p := room.publishers[id]; p != nil {
		return p.Peer
	}
	if sub := room.subscribers[id]; sub != nil {
		return sub.Peer
	}
	return nil
}

// call makes a room in which al publishes and bo watches, on n1.
func call(sdp string) *sim {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":1}`)
	s.send("al", `{"request":"join","room":1,"ptype":"publisher","id":1}`)
	s.send("al", `{"request":"publish"}`, "offer", sdp)
	s.up("al")
	s.send("bo", `{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1}]}`)
	s.send("bo", `{"request":"start"}`, "answer", "yes")
	s.up("bo")
	s.log = nil
	return s
}

const av = "audio:opus video:vp8"

// sourcesTold are the nodes of the sources in what a node was last told of a handle's slots.
func (s *sim) sourcesTold(node, name string) []string {
	var all []string
	request, _ := s.told[node+" "+name].Request.(*mediav1.UpdateSubscriberRequest)
	for _, slot := range request.GetSlots() {
		all = append(all, slot.GetSource().GetNode())
	}
	return all
}

func TestAMovedPublisherIsFollowedByItsSubscribers(t *testing.T) {
	s := call(av)
	s.move("al", "n2")
	if got := s.peer("al"); got.Node != "n1" || got.Next != "n2" {
		t.Errorf("peer before the node has it: %+v", got)
	}
	if want := []string{"al < trickle candidate:1 1 udp 5 192.0.2.1 9 typ host 0 0"}; !slices.Equal(s.log, want) {
		t.Errorf("said %q", s.log)
	}
	if len(s.told) > 0 {
		t.Errorf("told too early: %v", s.told)
	}
	s.check(t)
	s.moved("al", "n2")
	if got := s.peer("al"); got.Node != "n2" || got.Next != "" || !got.Up {
		t.Errorf("peer: %+v", got)
	}
	if got := s.sourcesTold("n1", "bo"); !slices.Equal(got, []string{"n2", "n2"}) {
		t.Errorf("bo's node was told of sources on %q", got)
	}
	s.check(t)

	// Who comes now is told at once.
	s.send("cy", `{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":1}]}`)
	for _, slot := range s.slots[s.handle("cy").ID] {
		if slot.GetSource().GetNode() != "n2" {
			t.Errorf("cy's slot: %v", slot)
		}
	}
	if near := s.placed[len(s.placed)-1].Near; !slices.Equal(near, []string{"n2", "n1"}) {
		t.Errorf("cy is to be near %q", near)
	}
}

func TestASubscribersNextNodeKnowsWhereFeedsAreBeforeItComes(t *testing.T) {
	s := call(av)
	s.move("bo", "n2")
	if got := s.sourcesTold("n2", "bo"); !slices.Equal(got, []string{"n1", "n1"}) {
		t.Errorf("n2 was told of sources on %q", got)
	}
	s.moved("bo", "n2")
	s.move("al", "n2")
	s.moved("al", "n2")
	if got := s.sourcesTold("n2", "bo"); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("n2 was told of sources on %q", got)
	}
	s.check(t)
}

func TestAPeerThatIsNotTakenOverStaysWhereItIs(t *testing.T) {
	for _, who := range []string{"al", "bo"} {
		s := call(av)
		s.move(who, "n2")
		s.log = nil
		s.notMoved(who, "n3", true) // of a node that has nothing to do with it
		if got := s.peer(who); got.Next != "n2" {
			t.Errorf("%s: %+v", who, got)
		}
		s.notMoved(who, "n2", false)
		if got := s.peer(who); got == nil || got.Node != "n1" || got.Next != "" {
			t.Errorf("%s: %+v", who, got)
		}
		if len(s.log) > 0 {
			t.Errorf("%s: said %q", who, s.log)
		}
		s.check(t)
	}
}

func TestAPeerThatIsLostOnItsWayIsHungUp(t *testing.T) {
	for name, lose := range map[string]func(s *sim){
		"by the word of the node": func(s *sim) { s.notMoved("al", "n2", true) },
		"by asking the other": func(s *sim) {
			s.refuse = func(q plugin.Question) error {
				if q.Node == "n1" {
					return fault.New(fault.NoSuchPeer, nil)
				}
				return nil
			}
			s.notMoved("al", "n2", false)
		},
		"with the node that was to have it": func(s *sim) {
			s.refuse = func(plugin.Question) error { return fault.New(fault.NoSuchPeer, nil) }
			s.news("al", &busv1.PeerEvent{NodeId: "n2", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: moving.Lost}}})
		},
		"with the node that has it": func(s *sim) {
			s.news("al", &busv1.PeerEvent{NodeId: "n1", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: moving.Lost}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := call(av)
			s.move("al", "n2")
			s.log = nil
			lose(s)
			if s.peer("al") != nil || !slices.Contains(s.log, "al < hangup ICE failed") {
				t.Errorf("peer %+v, said %q", s.peer("al"), s.log)
			}
			s.check(t)
		})
	}
}

// The node that had the peer has ended right after it let go, before the other's word has come.
func TestAPeerThatHasJustLeftADeadNodeIsNotHungUp(t *testing.T) {
	for name, after := range map[string]func(s *sim){
		"moved":     func(s *sim) { s.moved("al", "n2") },
		"not moved": func(s *sim) { s.notMoved("al", "n2", true) },
		"both dead": func(s *sim) { s.dead["n2"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := call(av)
			s.move("al", "n2")
			s.dead["n1"] = true
			s.log = nil
			bury := func() {
				s.news("al", &busv1.PeerEvent{NodeId: "n1", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: moving.Lost}}})
			}
			bury()
			if s.peer("al") == nil || slices.Contains(s.log, "al < hangup ICE failed") {
				t.Fatalf("said %q", s.log)
			}
			after(s)
			bury()
			if lives := s.peer("al") != nil; lives != (name == "moved") {
				t.Errorf("peer %+v, said %q", s.peer("al"), s.log)
			}
			s.check(t)
		})
	}
}

// TestASubscriberOfADeadNodeIsOfferedAnotherConnection if nothing is kept of the one that it had. A publisher cannot be.
func TestASubscriberOfADeadNodeIsOfferedAnotherConnection(t *testing.T) {
	bury := func(s *sim, name string) {
		s.news(name, &busv1.PeerEvent{NodeId: "n1", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: moving.Lost, WithNode: true}}})
	}
	hungUp := func(s *sim) bool { return slices.Contains(s.log, "bo < hangup "+moving.Lost) }
	s := call(av)
	before := s.peer("bo").Generation
	s.node = "n2" // that n1 is dead is known to who buries it, and perhaps not here
	bury(s, "bo")
	if last := s.placed[len(s.placed)-1]; last.Not != "n1" {
		t.Errorf("placed by %v", last)
	}
	got := s.peer("bo")
	if hungUp(s) || got == nil || got.Node != "n2" || got.Generation <= before || got.Up {
		t.Fatalf("peer %+v, said %q", got, s.log)
	}
	if last := s.log[len(s.log)-1]; !strings.HasPrefix(last, `bo < {"videoroom":"updated"`) || !strings.Contains(last, " + offer ") {
		t.Errorf("said %q", last)
	}
	s.check(t)
	s.log = nil
	s.send("bo", `{"request":"start"}`, "answer", "yes")
	s.up("bo")
	if got := s.peer("bo"); !got.Up || !slices.Contains(s.log, "bo < webrtcup") {
		t.Errorf("peer %+v, said %q", got, s.log)
	}
	s.check(t)
	bury(s, "al")
	if s.peer("al") != nil || !slices.Contains(s.log, "al < hangup "+moving.Lost) {
		t.Errorf("peer %+v, said %q", s.peer("al"), s.log)
	}
	s.check(t)

	s = call(av)
	s.move("bo", "n2")
	s.node = "n3"
	s.log = nil
	s.notMoved("bo", "n2", true) // its node has ended meanwhile
	if got := s.peer("bo"); hungUp(s) || got == nil || got.Node != "n3" || got.Up {
		t.Errorf("peer %+v, said %q", got, s.log)
	}
	s.check(t)

	s = call(av)
	s.closed("bo", moving.Lost) // its node's own word
	if s.peer("bo") != nil || !hungUp(s) {
		t.Errorf("peer %+v, said %q", s.peer("bo"), s.log)
	}

	for name, c := range map[string]func(s *sim){
		"an offer is unanswered":  func(s *sim) { s.send("bo", `{"request":"configure","restart":true}`) },
		"no node takes it":        func(s *sim) { s.refuse = func(plugin.Question) error { return fault.New(fault.NodeUnavailable, nil) } },
		"it had ended before":     func(s *sim) { s.closed("bo", "gone") },
		"it watches nothing more": func(s *sim) { s.send("bo", `{"request":"leave"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := call(av)
			s.node = "n2"
			c(s)
			s.log = nil
			bury(s, "bo")
			if got := s.peer("bo"); got != nil {
				t.Errorf("peer %+v, said %q", got, s.log)
			}
			s.check(t)
		})
	}
}

func TestWhatHasToStayIsNotMoved(t *testing.T) {
	for name, c := range map[string]struct {
		sdp    string
		before func(s *sim)
		who    string
	}{
		"without a peer": {av, func(s *sim) { s.closed("al", "gone") }, "al"},
		"an open offer":  {av, func(s *sim) { s.send("bo", `{"request":"configure","restart":true}`) }, "bo"},
		"a refusal": {av, func(s *sim) {
			s.refuse = func(q plugin.Question) error {
				if _, ok := q.Request.(*mediav1.TakePeerRequest); ok {
					return fault.New(fault.WrongState, errors.New("it is recorded"))
				}
				return nil
			}
		}, "bo"},
	} {
		t.Run(name, func(t *testing.T) {
			s := call(c.sdp)
			if c.before != nil {
				c.before(s)
			}
			s.log = nil
			s.move(c.who, "n2")
			if len(s.log) != 1 || !strings.HasPrefix(s.log[0], c.who+" ! WrongState") {
				t.Errorf("said %q", s.log)
			}
			if p := s.peer(c.who); p != nil && p.Next != "" {
				t.Errorf("peer %+v", p)
			}
			s.check(t)
		})
	}
}

func TestMovesAreRepeatedWithoutHarm(t *testing.T) {
	s := call(av)
	s.move("al", "n2")
	s.log = nil
	s.move("al", "n3") // while it is on its way
	if got := s.peer("al"); got.Next != "n2" || len(s.log) > 0 {
		t.Errorf("peer %+v, said %q", got, s.log)
	}
	s.dead["n2"] = true
	s.move("al", "n3")
	if got := s.peer("al"); got.Next != "n3" {
		t.Errorf("peer %+v", got)
	}
	s.moved("al", "n3")
	s.moved("al", "n3")
	if got := s.peer("al"); got.Node != "n3" || got.Next != "" {
		t.Errorf("peer %+v", got)
	}
	s.check(t)
	s.log = nil
	s.news("al", &busv1.PeerEvent{Generation: 9, NodeId: "n4", Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}})
	if got := s.peer("al"); got.Node != "n3" || !slices.Equal(s.log, []string{"al closed"}) {
		t.Errorf("peer %+v, said %q", got, s.log)
	}
}

// A room knows at most one node to have a peer, and it is the one that does: whatever is asked of nodes, and whatever they say
// or fail to say.
func TestAPeerIsNeverOfTwoNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := call(av)
		at := map[string]string{"al": "n1", "bo": "n1"} // who really has the peer; none once it is lost
		coming := map[string]string{}                   // who has been asked to take it over
		s.refuse = func(q plugin.Question) error {
			name := s.names[q.Handle]
			switch q.Request.(type) {
			case *mediav1.TakePeerRequest:
				coming[name] = q.Node
			case *mediav1.UpdatePublisherRequest, *mediav1.UpdateSubscriberRequest:
				if at[name] != q.Node && coming[name] != q.Node {
					return fault.New(fault.NoSuchPeer, nil)
				}
			}
			return nil
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			who := rapid.SampledFrom([]string{"al", "bo"}).Draw(t, "who")
			to := coming[who]
			switch rapid.SampledFrom([]string{"move", "arrive", "fail", "die on the way", "vanish"}).Draw(t, "what") {
			case "move":
				s.move(who, fmt.Sprint("n", rapid.IntRange(1, 4).Draw(t, "to")))
			case "arrive":
				if to != "" && at[who] != "" {
					at[who], coming[who] = to, ""
					s.moved(who, to)
				}
			case "fail":
				if to != "" {
					coming[who] = ""
					s.notMoved(who, to, false)
				}
			case "die on the way": // having been given the peer, or not
				if to != "" {
					coming[who] = ""
					if rapid.Bool().Draw(t, "given") {
						at[who] = ""
					}
					s.news(who, &busv1.PeerEvent{NodeId: to, Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "ICE failed"}}})
				}
			case "vanish":
				if from := at[who]; from != "" {
					at[who], coming[who] = "", ""
					s.news(who, &busv1.PeerEvent{NodeId: from, Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "ICE failed"}}})
				}
			}
			for who, node := range at {
				peer := s.peer(who)
				if (peer == nil) != (node == "") || peer != nil && (peer.Node != node || peer.Next != coming[who]) {
					t.Fatalf("%s is on %q, on its way to %q, and the room knows %+v", who, node, coming[who], peer)
				}
			}
			s.check(t)
		}
	})
}

func TestWhatEndsAPeerOnItsWayIsToldToBothNodes(t *testing.T) {
	s := call(av)
	s.move("al", "n2")
	cmd := s.command("al")
	cmd.Verb = &busv1.Command_Hangup{Hangup: &busv1.Hangup{}}
	turn := plugin.NewTurn(cmd, s.now, func(string) bool { return true }, plugin.Answers{})
	s.room("videoroom/1").Apply(turn)
	var nodes []string
	for _, task := range turn.Tasks {
		nodes = append(nodes, task.Close.Node)
		if task.Close.Quiet || task.Close.Reason != "Janus API" {
			t.Errorf("task %+v", task.Close)
		}
	}
	if !slices.Equal(nodes, []string{"n1", "n2"}) {
		t.Errorf("told %q", nodes)
	}
}

func TestAMoveAvoidsWhereThePeerHasJustBeen(t *testing.T) {
	s := call(av)
	s.move("al", "n2")
	s.moved("al", "n2")
	avoided := func() []string {
		s.node = "n3"
		s.move("al", "")
		s.notMoved("al", "n3", false)
		return s.placed[len(s.placed)-1].Avoid
	}
	if got := avoided(); !slices.Equal(got, []string{"n2", "n1"}) {
		t.Errorf("avoids %q", got)
	}
	s.now = s.now.Add(moving.ReturnsAfter)
	if got := avoided(); !slices.Equal(got, []string{"n2"}) {
		t.Errorf("long after, avoids %q", got)
	}
}
