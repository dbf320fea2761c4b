package videocall

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sim runs the rules on a room that is kept as a store would, and loaded anew each time, with a node that says yes.
type sim struct {
	t      rapid.TB
	stored map[string]string
	said   []string // what came of the last step, sorted
	order  []string // the same as it came
	asked  []string // of the node, in it
	last   *plugin.Turn
	refuse error // what the node says to everything
	steps  int
	bound  map[string]bool
	peers  map[string]uint32 // that the node has, by user: their generations
}

func newSim(t rapid.TB) *sim {
	return &sim{t: t, stored: map[string]string{}, bound: map[string]bool{}, peers: map[string]uint32{}}
}

var people = []string{"al", "bo", "ca"}

func id(who string) plugin.HandleID {
	return plugin.HandleID{Session: uint64(slices.Index(people, who) + 1), Handle: 10}
}

func nameOf(session uint64) string { return people[session-1] }

// run decides a command of a user's.
func (s *sim) run(who string, cmd *busv1.Command) {
	s.steps++
	cmd.Id = fmt.Sprint("command ", s.steps)
	c := plugin.Command{Command: cmd, Handle: plugin.Handle{ID: id(who), Plugin: Name, OpaqueID: "opaque " + who}}
	if s.bound[who] {
		c.Handle.Room = roomName
	}
	answers := plugin.Answers{}
	s.asked = nil
	for range 20 {
		room, err := New().Load(roomName, maps.Clone(s.stored))
		if err != nil {
			s.t.Fatal(err)
		}
		turn := plugin.NewTurn(c, time.Unix(1000, 0), func(string) bool { return true }, answers)
		result := room.Apply(turn)
		if len(turn.Open) == 0 {
			s.keep(who, turn, result)
			return
		}
		for _, q := range turn.Open {
			answers.Put(q, s.answer(q))
		}
	}
	s.t.Fatal("no decision")
}

func (s *sim) answer(q plugin.Question) plugin.Answer {
	if q.Place {
		return plugin.Answer{Node: "node"}
	}
	if q.Spent {
		return plugin.Answer{}
	}
	if s.refuse != nil {
		return plugin.Answer{Err: s.refuse}
	}
	s.asked = append(s.asked, fmt.Sprintf("%s %v", q.Request.ProtoReflect().Descriptor().Name(), q.Request))
	for _, p := range q.Makes() {
		s.peers[nameOf(p.Handle.Session)] = p.Generation
	}
	switch r := q.Request.(type) {
	case *mediav1.PassOfferRequest:
		return plugin.Answer{Response: &mediav1.PassOfferResponse{Sdp: "passed " + r.GetSdp()}}
	case *mediav1.PassAnswerRequest:
		streams := []*mediav1.PublishedStream{
			{Mid: "0", Kind: mediav1.Kind_KIND_AUDIO, Codec: "opus"}, {Mid: "1", Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp8"},
			{Mid: "2", Kind: mediav1.Kind_KIND_DATA},
		}
		return plugin.Answer{Response: &mediav1.PassAnswerResponse{Sdp: "passed " + r.GetSdp(), FromStreams: streams, ToStreams: streams}}
	}
	return plugin.Answer{}
}

func (s *sim) keep(who string, t *plugin.Turn, r plugin.Result) {
	s.said, s.last = nil, t
	if t.Failure != nil {
		s.said = []string{"! " + t.Failure.Error()}
		return
	}
	for k, v := range r.Set {
		s.stored[k] = string(v)
	}
	for _, k := range r.Delete {
		delete(s.stored, k)
	}
	if r.Drop {
		clear(s.stored)
	}
	s.bound[who] = (s.bound[who] || t.Bind != nil) && !t.Gone
	for _, e := range t.Events {
		line := nameOf(e.GetSessionId()) + " < "
		switch kind := e.GetKind().(type) {
		case *busv1.Event_Plugin:
			line += strings.TrimSuffix(strings.TrimPrefix(string(kind.Plugin.GetData()), `{"result":`), `,"videocall":"event"}`)
			if jsep := kind.Plugin.GetJsep(); jsep != nil {
				line += " " + jsep.GetType() + " " + jsep.GetSdp()
			}
		case *busv1.Event_Hangup:
			line += "hangup " + kind.Hangup.GetReason()
		default:
			line += fmt.Sprintf("%T", kind)
		}
		if want := "opaque " + nameOf(e.GetSessionId()); e.GetOpaqueId() != want && e.GetSessionId() != id(who).Session {
			s.t.Errorf("%s has opaque id %q", line, e.GetOpaqueId())
		}
		s.said = append(s.said, line)
	}
	for _, task := range t.Tasks {
		delete(s.peers, nameOf(task.Close.Handle.Session))
	}
	s.order = slices.Clone(s.said)
	slices.Sort(s.said)
}

func (s *sim) send(who, body string, jsep ...string) {
	m := &busv1.Message{Body: []byte(body)}
	if len(jsep) == 2 {
		m.Jsep = &busv1.Jsep{Type: jsep[0], Sdp: jsep[1]}
	}
	s.run(who, &busv1.Command{Verb: &busv1.Command_Message{Message: m}})
}

func (s *sim) wants(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.said, want) {
		s.t.Errorf("step %d:\n  %s\nwant\n  %s", s.steps, strings.Join(s.said, "\n  "), strings.Join(want, "\n  "))
	}
}

// ringing has al call bo.
func ringing(t rapid.TB) *sim {
	s := newSim(t)
	for _, who := range people {
		s.send(who, `{"request":"register","username":"`+who+`"}`)
		s.wants(who + ` < {"event":"registered","username":"` + who + `"}`)
	}
	s.send("al", `{"request":"call","username":"bo"}`, "offer", "o1")
	s.wants(`al < {"event":"calling"}`, `bo < {"event":"incomingcall","username":"al"} offer passed o1`)
	return s
}

func talking(t rapid.TB) *sim {
	s := ringing(t)
	s.send("bo", `{"request":"accept"}`, "answer", "a1")
	s.wants(`al < {"event":"accepted","username":"bo"} answer passed a1`, `bo < {"event":"accepted"}`)
	return s
}

func TestCallsEndAsAtJanus(t *testing.T) {
	over := func(who, by, reason string) []string {
		return []string{who + ` < hangup ` + reason, who + ` < {"event":"hangup","reason":"Remote WebRTC hangup","username":"` + by + `"}`}
	}
	both := func(alReason, boReason string) []string {
		return append(over("al", "bo", alReason), over("bo", "al", boReason)...)
	}
	for _, c := range []struct {
		name string
		end  func(s *sim)
		want []string
	}{
		{"by request", func(s *sim) { s.send("al", `{"request":"hangup"}`) }, append(both("Close PC", "Close PC"),
			`al < {"event":"hangup","reason":"Explicit hangup","username":"al"}`,
			`bo < {"event":"hangup","reason":"We did the hangup","username":"al"}`)},
		{"with a reason", func(s *sim) { s.send("bo", `{"request":"hangup","reason":"no time"}`) }, append(both("Close PC", "Close PC"),
			`bo < {"event":"hangup","reason":"Explicit hangup","username":"bo"}`,
			`al < {"event":"hangup","reason":"no time","username":"bo"}`)},
		{"by the core", func(s *sim) { s.run("bo", &busv1.Command{Verb: &busv1.Command_Hangup{Hangup: &busv1.Hangup{}}}) }, both("Close PC", "Janus API")},
		{"by an administrator", func(s *sim) {
			s.run("al", &busv1.Command{Verb: &busv1.Command_Hangup{Hangup: &busv1.Hangup{ByAdmin: true}}})
		}, both("Admin API", "Close PC")},
		{"with its peer", func(s *sim) {
			s.run("al", &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
				Generation: 1, Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "DTLS alert"}},
			}}})
		}, both("DTLS alert", "Close PC")},
		{"with its handle", func(s *sim) { s.run("al", &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{}}}) },
			append(over("bo", "al", "Close PC"), "al < *busv1.Event_Detached")},
		{"by calling another", func(s *sim) { s.send("al", `{"request":"call","username":"ca"}`, "offer", "o2") }, append(both("Close PC", "Close PC"),
			`al < {"videocall":"event","error_code":480,"error":"Already in a call"}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := talking(t)
			c.end(s)
			slices.Sort(c.want)
			s.wants(c.want...)
			if len(s.peers) > 0 {
				t.Errorf("the node still has %v", s.peers)
			}
			s.send("ca", `{"request":"call","username":"bo"}`, "offer", "o3")
			s.wants(`bo < {"event":"incomingcall","username":"ca"} offer passed o3`, `ca < {"event":"calling"}`)
			if s.peers["bo"] != 2 {
				t.Errorf("bo's next peer has generation %d", s.peers["bo"])
			}
		})
	}
}

// TestTheAnswerComesBeforeTheEnd is about the order in which the asker hears of it.
func TestTheAnswerComesBeforeTheEnd(t *testing.T) {
	for name, c := range map[string]struct{ who, request, first string }{
		"hangup":          {"al", `{"request":"hangup"}`, `al < {"event":"hangup","reason":"Explicit hangup","username":"al"}`},
		"busy":            {"ca", `{"request":"call","username":"bo"}`, `ca < {"event":"hangup","reason":"User busy","username":"ca"}`},
		"nobody":          {"ca", `{"request":"call","username":"nobody"}`, `ca < {"videocall":"event","error_code":478,"error":"Username 'nobody' doesn't exist"}`},
		"already calling": {"al", `{"request":"call","username":"ca"}`, `al < {"videocall":"event","error_code":480,"error":"Already in a call"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := talking(t)
			if strings.Contains(c.request, "call") {
				s.send(c.who, c.request, "offer", "o")
			} else {
				s.send(c.who, c.request)
			}
			mine := slices.DeleteFunc(s.order, func(line string) bool { return !strings.HasPrefix(line, c.who) })
			if len(mine) < 2 || mine[0] != c.first || !slices.Contains(mine[1:], c.who+" < hangup Close PC") {
				t.Errorf("heard %q", mine)
			}
		})
	}
}

func TestBusyAndUntimely(t *testing.T) {
	s := ringing(t)
	s.send("ca", `{"request":"call","username":"bo"}`, "offer", "o2")
	s.wants(`ca < hangup Close PC`, `ca < {"event":"hangup","reason":"User busy","username":"ca"}`)
	s.send("al", `{"request":"accept"}`, "answer", "a")
	s.wants("! UnexpectedAnswer: Unexpected ANSWER (did we offer?)")
	s.send("bo", `{"request":"set"}`, "offer", "o")
	s.wants("! BadRequest: Error setting ICE locally")
	s.refuse = fault.Newf(fault.InvalidSDP, "no")
	s.send("bo", `{"request":"accept"}`, "answer", "a")
	s.wants("! InvalidSDP: no")
	s.refuse = nil
	s.send("bo", `{"request":"accept"}`, "answer", "a")
	s.wants(`al < {"event":"accepted","username":"bo"} answer passed a`, `bo < {"event":"accepted"}`)
	s.run("al", &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
		Generation: 7, Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{}},
	}}})
	s.wants() // of another peer
}

func TestCallsAreNegotiatedAnewFromBothSides(t *testing.T) {
	s := talking(t)
	for i, who := range []string{"al", "bo"} {
		other := []string{"bo", "al"}[i]
		want := []string{who + ` < {"event":"set"}`, other + ` < {"event":"update"} offer passed o2`}
		s.send(who, `{"request":"set"}`, "offer", "o2")
		slices.Sort(want)
		s.wants(want...)
		s.send(other, `{"request":"set"}`, "answer", "a2")
		want = []string{other + ` < {"event":"set"}`, who + ` < {"event":"update"} answer passed a2`}
		slices.Sort(want)
		s.wants(want...)
		s.send(other, `{"request":"set"}`, "answer", "a2")
		s.wants("! UnexpectedAnswer: Unexpected ANSWER (did we offer?)")
	}
}

// TestAnAnswerThatIsNotPassedOnIsPassedOver: once there is a call, as at Janus.
func TestAnAnswerThatIsNotPassedOnIsPassedOver(t *testing.T) {
	s := talking(t)
	s.send("bo", `{"request":"accept"}`, "answer", "a")
	s.wants("! UnexpectedAnswer: Unexpected ANSWER (did we offer?)")
	s.send("bo", `7`, "answer", "a")
	s.wants(`bo < {"videocall":"event","error_code":471,"error":"JSON error: not an object"}`)
	s.send("bo", `{"request":"hangup"}`, "answer", "a")
	if !slices.ContainsFunc(s.order, func(line string) bool { return strings.HasPrefix(line, `bo < {"event":"hangup"`) }) {
		t.Errorf("heard %q", s.order)
	}
	s.send("bo", `{"request":"list"}`, "answer", "a")
	s.wants("! UnexpectedAnswer: Unexpected ANSWER (did we offer?)")
}

func TestSettingsReachTheNode(t *testing.T) {
	s := ringing(t)
	s.send("al", `{"request":"set","audio":false,"record":true}`)
	if len(s.asked) > 0 {
		t.Errorf("asked %v", s.asked)
	}
	s.send("bo", `{"request":"accept"}`, "answer", "a1")
	if asked := strings.Join(s.asked, "\n"); strings.Count(asked, "Update") != 2 || !strings.Contains(asked, `base:"videocall-al-bo"`) ||
		!strings.Contains(asked, `relay:false`) {
		t.Errorf("asked %s", asked)
	}
	s.send("bo", `{"request":"set","substream":0,"bitrate":64000}`)
	if asked := strings.Join(s.asked, "\n"); strings.Count(asked, "Update") != 2 || !strings.Contains(asked, `bitrate_bps:64000`) ||
		!strings.Contains(asked, `temporal:2`) || strings.Contains(asked, "substream") || strings.Contains(asked, "recording") {
		t.Errorf("asked %s", asked)
	}
	s.send("al", `{"request":"set","record":false}`)
	if asked := strings.Join(s.asked, "\n"); !strings.Contains(asked, `recording:{}`) {
		t.Errorf("asked %s", asked)
	}
	s.send("al", `{"request":"set"}`)
	if len(s.asked) > 0 {
		t.Errorf("asked %v", s.asked)
	}
}

func TestLayersAreTold(t *testing.T) {
	s := talking(t)
	s.run("bo", &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
		Generation: 1, Kind: &busv1.PeerEvent_Layer_{Layer: &busv1.PeerEvent_Layer{Codec: "vp8", Substream: new(int32(1))}},
	}}})
	s.wants(`bo < {"event":"simulcast","substream":1,"videocodec":"vp8"}`)
	s.send("bo", `{"request":"set","substream":1}`)
	s.wants(`bo < {"event":"set"}`, `bo < {"event":"simulcast","substream":1,"videocodec":"vp8"}`)
	s.run("bo", &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
		Generation: 1, Kind: &busv1.PeerEvent_SlowLink_{SlowLink: &busv1.PeerEvent_SlowLink{Media: "video", BitrateBps: 5}},
	}}})
	s.wants(`bo < *busv1.Event_SlowLink`, `bo < {"current-bitrate":5,"event":"slow_link","media":"video"}`)
}

func TestRecordingsStayInTheirFolder(t *testing.T) {
	for name, want := range map[string]string{"a/b": "a/b", "../a": "videocall-al-bo", "": "videocall-al-bo", "/a": "/a"} {
		s := talking(t)
		s.send("al", `{"request":"set","record":true,"filename":"`+name+`"}`)
		if asked := strings.Join(s.asked, "\n"); !strings.Contains(asked, `base:"`+want+`"`) ||
			strings.Contains(asked, `otherwise:"videocall-al-bo"`) != (want == "/a") {
			t.Errorf("%q: asked %s", name, asked)
		}
	}
	if got := plain(`../é` + strings.Repeat("x", 100)); strings.ContainsAny(got, `/\`) || len([]rune(got)) != maxPlain {
		t.Errorf("%q", got)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	s := newSim(t)
	s.send("al", `{"request":"register","username":"`+strings.Repeat("x", maxName+1)+`"}`)
	s.wants(`al < {"videocall":"event","error_code":474,"error":"Invalid value (username should have at most 4096 bytes)"}`)
	s.send("al", `{"request":"set","filename":"`+strings.Repeat("x", maxName+1)+`"}`)
	s.wants(`al < {"videocall":"event","error_code":474,"error":"Invalid value (filename should have at most 4096 bytes)"}`)
	d := &draft{Room: Room{names: map[string]plugin.HandleID{}}}
	for i := range maxList/maxName + 100 {
		d.names[fmt.Sprint(i+10_000, strings.Repeat("x", maxName-5))] = plugin.HandleID{}
	}
	got, _ := d.list()
	listed := got["list"].([]string)
	if size := len(render(got)); size > maxList+100 || got["left_out"] != len(d.names)-len(listed) || len(listed) < 100 {
		t.Errorf("%d names in %d bytes, %v left out", len(listed), size, got["left_out"])
	}
	for i := range maxKept/maxName + 10 {
		u := user{Name: new(fmt.Sprint(i, strings.Repeat("x", maxName-5)))}
		s.stored[fieldUser+fmt.Sprintf("8/%d", i)] = string(render(u))
	}
	s.send("al", `{"request":"register","username":"`+strings.Repeat("y", maxName)+`"}`)
	s.wants(`al < {"videocall":"event","error_code":499,"error":"Too many usernames already"}`)
	s.send("al", `{"request":"set","filename":"`+strings.Repeat("y", maxName)+`"}`)
	s.wants(`al < {"videocall":"event","error_code":499,"error":"Too many file names already"}`)
	for i := range maxUsers {
		s.stored[fieldUser+fmt.Sprintf("9/%d", i)] = "{}"
	}
	s.send("al", `{"request":"list"}`)
	s.wants(`al < {"videocall":"event","error_code":499,"error":"Too many users already"}`)
}

// Whatever comes, a call has two parties that know of each other, names are of one user each, and the node has the peers
// of calls and no others.
func TestCallsHaveTwoParties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			who := rapid.SampledFrom(people).Draw(t, "who")
			name := rapid.SampledFrom(people).Draw(t, "name")
			s.refuse = nil
			if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
				s.refuse = fault.Newf(fault.NodeUnavailable, "no")
			}
			jsep := rapid.SampledFrom([][]string{nil, {"offer", "o"}, {"answer", "a"}}).Draw(t, "jsep")
			switch what := rapid.SampledFrom([]string{"register", "call", "accept", "set", "hangup", "list", "core", "detach", "closed"}).Draw(t, "what"); what {
			case "core":
				s.run(who, &busv1.Command{Verb: &busv1.Command_Hangup{Hangup: &busv1.Hangup{}}})
			case "detach":
				s.run(who, &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{}}})
			case "closed":
				s.run(who, &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
					Generation: s.peers[who], Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{}},
				}}})
			default:
				s.send(who, fmt.Sprintf(`{"request":%q,"username":%q,"audio":%t}`, what, name, len(jsep) == 0), jsep...)
			}
			s.sound()
		}
	})
}

func (s *sim) sound() {
	loaded, err := New().Load(roomName, s.stored)
	if err != nil {
		s.t.Fatal(err)
	}
	r, _ := loaded.(*Room)
	named, calling := 0, 0
	for h, u := range r.users {
		if u.Name != nil {
			named++
		}
		if (u.Call != nil) != (u.Peer != nil) {
			s.t.Fatalf("%s has a peer and no call, or the other way round", h)
		}
		if u.Call == nil {
			continue
		}
		calling++
		with, err := plugin.ParseHandleID(u.Call.With)
		if other := r.users[with]; err != nil || other == nil || other.Call == nil || other.Call.With != h.String() ||
			other.Call.Accepted != u.Call.Accepted || other.Peer.Node != u.Peer.Node || other.Call.Asked && u.Call.Asked {
			s.t.Fatalf("%s calls %s, which is %+v", h, u.Call.With, other)
		}
		if s.refuse == nil && s.peers[nameOf(h.Session)] != u.Peer.Generation {
			s.t.Fatalf("%s has peer %d, the node %v", h, u.Peer.Generation, s.peers)
		}
	}
	if named != len(r.names) {
		s.t.Fatalf("%d users have %d names", named, len(r.names))
	}
	if len(s.peers) != calling {
		s.t.Fatalf("%d users are in calls, the node has peers of %v", calling, s.peers)
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"request":"register","username":"x"}`, `{"request":"set","substream":2,"fallback":9223372036854775807}`, `{"request":"CALL"}`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := talking(t)
		s.send("al", string(body))
		s.sound()
	})
}
