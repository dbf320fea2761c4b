package moving_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/echotest"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/textroom"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videocall"
)

// sim runs a plugin's rules on rooms that are kept as a store would, and loaded anew each time. Nodes say yes, but for what refuse says.
type sim struct {
	t      *testing.T
	plugin plugin.Plugin
	stored map[string]map[string]string
	on     map[plugin.PeerKey]bool // peers that nodes are listed to have
	dead   map[string]bool
	place  string // where new work goes
	refuse func(q plugin.Question) error
	steps  int

	last  *plugin.Turn
	told  []string // requests to nodes, in the last step
	asked []plugin.Question
}

var al, bo = plugin.HandleID{Session: 1, Handle: 2}, plugin.HandleID{Session: 3, Handle: 4}

func newSim(t *testing.T, p plugin.Plugin) *sim {
	return &sim{t: t, plugin: p, stored: map[string]map[string]string{}, on: map[plugin.PeerKey]bool{}, dead: map[string]bool{}, place: "n1"}
}

// run decides a command of a handle's, in the room that its plugin names for a message of that body.
func (s *sim) run(h plugin.HandleID, body string, cmd *busv1.Command) {
	s.t.Helper()
	s.steps++
	cmd.Id = fmt.Sprint("command ", s.steps)
	c := plugin.Command{Command: cmd, Handle: plugin.Handle{ID: h, Plugin: s.plugin.Name()}}
	name := s.plugin.Route(plugin.Command{
		Command: &busv1.Command{Verb: &busv1.Command_Message{Message: &busv1.Message{Body: []byte(body)}}}, Handle: c.Handle,
	}).Room
	c.Handle.Room = name
	answers := plugin.Answers{}
	s.told, s.asked = nil, nil
	for range 20 {
		room, err := s.plugin.Load(name, maps.Clone(s.stored[name]))
		if err != nil {
			s.t.Fatal(err)
		}
		turn := plugin.NewTurn(c, time.Unix(1000, 0), func(node string) bool { return !s.dead[node] }, answers)
		result := room.Apply(turn)
		if len(turn.Open) == 0 {
			s.keep(name, turn, result)
			return
		}
		for _, q := range turn.Open {
			answers.Put(q, s.answer(q))
		}
	}
	s.t.Fatal("no decision")
}

func (s *sim) answer(q plugin.Question) plugin.Answer {
	s.asked = append(s.asked, q)
	if q.Place {
		if len(q.Near) > 0 {
			return plugin.Answer{Node: q.Near[0]}
		}
		return plugin.Answer{Node: s.place}
	}
	if q.Request == nil {
		return plugin.Answer{}
	}
	if s.refuse != nil {
		if err := s.refuse(q); err != nil {
			return plugin.Answer{Err: err}
		}
	}
	s.told = append(s.told, fmt.Sprintf("%s %s", q.Node, q.Request.ProtoReflect().Descriptor().Name()))
	streams := []*mediav1.PublishedStream{{Mid: "a", Kind: mediav1.Kind_KIND_VIDEO}, {Mid: "b", Kind: mediav1.Kind_KIND_DATA}}
	for _, r := range []proto.Message{q.Request} {
		switch r.(type) {
		case *mediav1.AcceptOfferRequest:
			return plugin.Answer{Response: &mediav1.AcceptOfferResponse{Streams: streams}}
		case *mediav1.MakeOfferRequest:
			return plugin.Answer{Response: &mediav1.MakeOfferResponse{}}
		case *mediav1.AcceptAnswerRequest:
			return plugin.Answer{Response: &mediav1.AcceptAnswerResponse{}}
		case *mediav1.PassOfferRequest:
			return plugin.Answer{Response: &mediav1.PassOfferResponse{}}
		case *mediav1.PassAnswerRequest:
			return plugin.Answer{Response: &mediav1.PassAnswerResponse{FromStreams: streams, ToStreams: streams}}
		case *mediav1.TakePeerRequest:
			return plugin.Answer{Response: &mediav1.TakePeerResponse{Candidates: []string{"candidate of " + q.Node}}}
		}
	}
	return plugin.Answer{}
}

func (s *sim) keep(name string, t *plugin.Turn, r plugin.Result) {
	s.last = t
	if t.Failure != nil {
		return
	}
	for _, p := range t.Lost {
		delete(s.on, p)
	}
	for _, p := range t.Made {
		s.on[p] = true
	}
	if r.Drop {
		delete(s.stored, name)
		return
	}
	if s.stored[name] == nil {
		s.stored[name] = map[string]string{}
	}
	for k, v := range r.Set {
		s.stored[name][k] = string(v)
	}
	for _, k := range r.Delete {
		delete(s.stored[name], k)
	}
}

func (s *sim) say(h plugin.HandleID, body, jsep string) {
	s.t.Helper()
	m := &busv1.Message{Body: []byte(body)}
	if jsep != "" {
		m.Jsep = &busv1.Jsep{Type: jsep, Sdp: "v=0"}
	}
	s.run(h, body, &busv1.Command{Verb: &busv1.Command_Message{Message: m}})
	if s.last.Failure != nil {
		s.t.Fatalf("%s: %v", body, s.last.Failure)
	}
}

func (s *sim) news(h plugin.HandleID, e *busv1.PeerEvent) {
	e.Generation = 1
	s.run(h, s.about(), &busv1.Command{Verb: &busv1.Command_Peer{Peer: e}})
}

// about is a message that is decided where the PeerConnection is.
func (s *sim) about() string { return `{"request":"setup"}` }

func (s *sim) up(h plugin.HandleID, node string) {
	s.news(h, &busv1.PeerEvent{NodeId: node, Kind: &busv1.PeerEvent_Up_{Up: &busv1.PeerEvent_Up{}}})
}

func (s *sim) move(h plugin.HandleID, m *busv1.Move) {
	s.run(h, s.about(), &busv1.Command{Verb: &busv1.Command_Move{Move: m}})
}

func (s *sim) moved(h plugin.HandleID, node string) {
	s.news(h, &busv1.PeerEvent{Node: "name of " + node, NodeId: node, Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}})
}

func (s *sim) notMoved(h plugin.HandleID, node string, lost bool) {
	s.news(h, &busv1.PeerEvent{NodeId: node, Kind: &busv1.PeerEvent_NotMoved_{NotMoved: &busv1.PeerEvent_NotMoved{Lost: lost}}})
}

// nodes are those that a handle's peer is listed on.
func (s *sim) nodes(h plugin.HandleID) string {
	var all []string
	for p := range s.on {
		if p.Handle == h {
			all = append(all, p.Node)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// candidates are those that a handle was told in the last step, with their m= section.
func (s *sim) candidates(h plugin.HandleID) string {
	var all []string
	for _, e := range s.last.Events {
		if c := e.GetCandidate(); c != nil && e.GetHandleId() == h.Handle {
			all = append(all, fmt.Sprint(c.GetCandidate(), " in ", c.GetSdpMid(), " ", c.GetSdpMLineIndex()))
		}
	}
	return strings.Join(all, ", ")
}

func (s *sim) hungUp(h plugin.HandleID) bool {
	return slices.ContainsFunc(s.last.Events, func(e *busv1.Event) bool { return e.GetHangup() != nil && e.GetHandleId() == h.Handle })
}

// plugins has each plugin with a peer of al's on n1, which is up, and whose transport is in that m= section.
func plugins(t *testing.T, f func(t *testing.T, s *sim, section string)) {
	for _, c := range []struct {
		plugin  plugin.Plugin
		section string
		begin   func(s *sim)
	}{
		{echotest.New(), "b 1", func(s *sim) { s.say(al, `{"audio":true}`, "offer") }},
		{textroom.New(textroom.Config{}), "0 0", func(s *sim) {
			s.say(al, `{"request":"setup"}`, "")
			s.say(al, `{"request":"ack"}`, "answer")
		}},
		{videocall.New(), "b 1", func(s *sim) {
			s.say(al, `{"request":"register","username":"al"}`, "")
			s.say(bo, `{"request":"register","username":"bo"}`, "")
			s.say(al, `{"request":"call","username":"bo"}`, "offer")
			s.say(bo, `{"request":"accept"}`, "answer")
			s.up(bo, "n1")
		}},
	} {
		t.Run(c.plugin.Name(), func(t *testing.T) {
			s := newSim(t, c.plugin)
			c.begin(s)
			s.move(al, &busv1.Move{To: "n2"})
			if fault.Of(s.last.Failure) != fault.WrongState {
				t.Errorf("moved before it is up: %v", s.last.Failure)
			}
			s.up(al, "n1")
			f(t, s, c.section)
		})
	}
}

func TestAPeerIsWhereItWasUntilAnotherNodeHasIt(t *testing.T) {
	plugins(t, func(t *testing.T, s *sim, section string) {
		s.move(al, &busv1.Move{To: "n2"})
		if got, want := s.candidates(al), "candidate:candidate of n2 in "+section; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		if got := s.nodes(al); got != "n1 n2" {
			t.Errorf("on its way, listed on %s", got)
		}
		s.move(al, &busv1.Move{To: "n3"})
		if len(s.told) > 0 || len(s.last.Events) > 0 {
			t.Error("moved again while it is on its way")
		}
		s.moved(al, "n2")
		if got := s.nodes(al); got != "n2" {
			t.Errorf("listed on %s", got)
		}
		if f := s.last.Follow; f == nil || f.Node != "name of n2" || f.Generation != 1 {
			t.Errorf("rooms are told %+v", f)
		}
		s.moved(al, "n2") // again
		if s.nodes(al) != "n2" || len(s.last.Tasks) > 0 {
			t.Errorf("by a repetition: on %s, %v", s.nodes(al), s.last.Tasks)
		}
		s.news(al, &busv1.PeerEvent{NodeId: "n1", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "late"}}})
		if s.hungUp(al) || s.nodes(al) != "n2" {
			t.Error("the node before ends it")
		}
		s.news(al, &busv1.PeerEvent{NodeId: "n2", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "gone"}}})
		if !s.hungUp(al) || s.nodes(al) != "" {
			t.Errorf("it has not ended: on %s", s.nodes(al))
		}
	})
}

func TestAPeerThatDoesNotMoveStays(t *testing.T) {
	plugins(t, func(t *testing.T, s *sim, _ string) {
		s.move(al, &busv1.Move{To: "n2"})
		s.notMoved(al, "n2", false)
		if s.hungUp(al) || s.nodes(al) != "n1" {
			t.Errorf("on %s", s.nodes(al))
		}
		s.move(al, &busv1.Move{To: "n2"})
		s.refuse = func(q plugin.Question) error {
			if q.Node == "n1" && q.Handle == al {
				return fault.New(fault.NoSuchPeer, nil)
			}
			return nil
		}
		s.notMoved(al, "n2", false)
		if !s.hungUp(al) || s.nodes(al) != "" {
			t.Errorf("lost between two nodes, and on %s", s.nodes(al))
		}
	})
}

func TestAPeerThatEndsOnItsWayEndsOnBothNodes(t *testing.T) {
	plugins(t, func(t *testing.T, s *sim, _ string) {
		s.move(al, &busv1.Move{To: "n2"})
		s.news(al, &busv1.PeerEvent{NodeId: "n1", Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "gone"}}})
		closed := slices.ContainsFunc(s.last.Tasks, func(task plugin.Task) bool {
			return task.Close != nil && task.Close.Node == "n2" && task.Close.Handle == al
		})
		if !s.hungUp(al) || s.nodes(al) != "" || !closed {
			t.Errorf("on %s, closed there: %t", s.nodes(al), closed)
		}
	})
}

func TestADeadNodesPeerGoesOnFromWhatIsKept(t *testing.T) {
	plugins(t, func(t *testing.T, s *sim, _ string) {
		s.dead["n1"], s.place = true, "n3"
		s.move(al, &busv1.Move{From: "n1", Keeper: "n2"})
		if s.last.Failure != nil || s.candidates(al) == "" {
			t.Fatalf("not saved: %v", s.last.Failure)
		}
		for _, q := range s.asked {
			if r, ok := q.Request.(*mediav1.TakePeerRequest); ok && (r.GetKeeper() != "n2" || r.GetOwner() != "n1" || r.GetFrom() != "") {
				t.Errorf("asked for %v", r)
			}
		}
		s.moved(al, "n3")
		if got := s.nodes(al); got != "n3" {
			t.Errorf("on %s", got)
		}
	})
}

func TestThePartiesOfACallMoveToTheSameNode(t *testing.T) {
	plugins(t, func(t *testing.T, s *sim, _ string) {
		if s.plugin.Name() != videocall.Name {
			t.Skip("has no calls")
		}
		s.place = "n2"
		s.move(al, &busv1.Move{})
		s.moved(al, "n2")
		if !slices.Contains(s.told, "n1 UpdateSubscriberRequest") || !slices.Contains(s.told, "n2 UpdateSubscriberRequest") {
			t.Errorf("nodes are not told where the parties get what from: %v", s.told)
		}
		s.run(al, "{}", &busv1.Command{Verb: &busv1.Command_Message{Message: &busv1.Message{
			Body: []byte(`{"request":"set"}`), Jsep: &busv1.Jsep{Type: "offer", Sdp: "v=0"},
		}}})
		if fault.Of(s.last.Failure) != fault.NodeUnavailable {
			t.Errorf("negotiated over two nodes: %v", s.last.Failure)
		}
		s.place = "n3"
		s.move(bo, &busv1.Move{})
		s.moved(bo, "n2")
		if s.nodes(al) != "n2" || s.nodes(bo) != "n2" {
			t.Errorf("al on %s, bo on %s", s.nodes(al), s.nodes(bo))
		}
		s.say(al, `{"request":"set"}`, "offer")
	})
}
