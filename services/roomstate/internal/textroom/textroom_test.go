package textroom

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/post"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sim runs the plugin's rules on rooms that are kept as a store would, and loaded anew each time.
type sim struct {
	t      *testing.T
	plugin *Plugin
	stored map[string]map[string]string
	index  map[string][]byte
	said   []string // what came of the last step
	posts  []plugin.Post
	parted []plugin.HandleID
	last   *plugin.Turn
	steps  int
}

func newSim(t *testing.T, cfg Config) *sim {
	return &sim{t: t, plugin: New(cfg), stored: map[string]map[string]string{}, index: map[string][]byte{}}
}

var names = map[string]uint64{"al": 1, "bo": 2, "cy": 3}

func id(who string) plugin.HandleID { return plugin.HandleID{Session: names[who], Handle: 10} }

func nameOf(h plugin.HandleID) string {
	for name, session := range names {
		if session == h.Session {
			return name
		}
	}
	return "?"
}

// run decides a command in a room.
func (s *sim) run(name string, cmd plugin.Command) {
	s.t.Helper()
	s.steps++
	cmd.Command.Id = fmt.Sprint("command ", s.steps)
	cmd.Handle.Plugin = Name
	answers := plugin.Answers{}
	for range 10 {
		room, err := s.plugin.Load(name, s.stored[name])
		if err != nil {
			s.t.Fatal(err)
		}
		turn := plugin.NewTurn(cmd, time.Unix(1_700_000_000, 0).UTC(), func(string) bool { return true }, answers)
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
	switch r := q.Request.(type) {
	case *mediav1.MakeOfferRequest:
		if !r.GetTexts() {
			s.t.Error("the node is not told that texts are wanted")
		}
		return plugin.Answer{Response: &mediav1.MakeOfferResponse{Sdp: fmt.Sprint("offer, restart ", r.GetIceRestart())}}
	case *mediav1.AcceptAnswerRequest:
		return plugin.Answer{Response: &mediav1.AcceptAnswerResponse{}}
	}
	if q.Place {
		return plugin.Answer{Node: "node"}
	}
	var rooms [][]byte
	for _, entry := range s.index {
		rooms = append(rooms, entry)
	}
	return plugin.Answer{Rooms: rooms, Count: len(rooms)}
}

func (s *sim) keep(name string, t *plugin.Turn, r plugin.Result) {
	if r.Next != nil {
		fields := maps.Clone(s.stored[name])
		if fields == nil {
			fields = map[string]string{}
		}
		for k, v := range r.Set {
			fields[k] = string(v)
		}
		for _, k := range r.Delete {
			delete(fields, k)
		}
		s.stored[name] = fields
		if r.Index != nil {
			s.index[name] = r.Index
		}
		if r.Drop {
			delete(s.stored, name)
			delete(s.index, name)
		}
	}
	s.said, s.posts, s.parted, s.last = nil, t.Posts, t.Parted, t
	if t.Failure != nil {
		s.said = append(s.said, "! "+t.Failure.Error())
	}
	if t.Reply != nil {
		s.said = append(s.said, "= "+string(t.Reply))
	}
	for _, e := range t.Events {
		if p := e.GetPlugin(); p != nil {
			s.said = append(s.said, nameOf(plugin.HandleID{Session: e.GetSessionId()})+" < "+string(p.GetData())+" "+p.GetJsep().GetSdp())
		} else {
			s.said = append(s.said, fmt.Sprintf("%s < %T", nameOf(plugin.HandleID{Session: e.GetSessionId()}), e.GetKind()))
		}
	}
	for _, text := range t.Texts {
		var to []string
		for _, p := range text.To {
			to = append(to, nameOf(p.Handle))
		}
		s.said = append(s.said, strings.Join(to, "+")+" ~ "+string(text.Text))
	}
}

// api is a request over the Janus API.
func (s *sim) api(who, body string) {
	s.t.Helper()
	cmd := plugin.Command{
		Command: &busv1.Command{Verb: &busv1.Command_Message{Message: &busv1.Message{Body: []byte(body)}}},
		Handle:  plugin.Handle{ID: id(who)},
	}
	s.run(s.plugin.Route(cmd).Room, cmd)
}

// data is a text over a data channel of a handle's peer of a generation.
func (s *sim) data(who, text string, generation ...uint32) {
	s.t.Helper()
	p := &busv1.PeerEvent{Node: "node of " + who, Generation: 1}
	if len(generation) > 0 {
		p.Generation = generation[0]
	}
	p.Kind = &busv1.PeerEvent_Text_{Text: &busv1.PeerEvent_Text{Text: []byte(text)}}
	cmd := plugin.Command{
		Command: &busv1.Command{Verb: &busv1.Command_Peer{Peer: p}}, Handle: plugin.Handle{ID: id(who)},
	}
	s.run(s.plugin.RouteText(cmd), cmd)
}

// gone takes a handle out of a room, a peer of it being over.
func (s *sim) gone(who string, room uint64, generation uint32) {
	s.t.Helper()
	s.run(roomName(request.NumberID(room)), plugin.Command{
		Command: &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{Generation: generation}}},
		Handle:  plugin.Handle{ID: id(who)}, Over: true,
	})
}

func (s *sim) want(said ...string) {
	s.t.Helper()
	if got, want := strings.Join(s.said, "\n"), strings.Join(said, "\n"); got != want {
		s.t.Errorf("said:\n%s\nwant:\n%s", got, want)
	}
}

const at = `"date":"2023-11-14T22:13:20+0000"`

func TestWhoJoinsHearsHistoryThenOfItselfThenItsAnswer(t *testing.T) {
	s := newSim(t, Config{MaxHistory: 100})
	s.api("al", `{"request":"create","room":5,"history":2}`)
	s.want(`= {"permanent":false,"room":5,"textroom":"created"}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al","display":"Al"}`)
	if !s.last.Enter {
		t.Error("the handle's place is not noted")
	}
	for _, text := range []string{"one", "two", "three"} {
		s.data("al", `{"textroom":"message","transaction":"2","room":5,"text":"`+text+`","ack":false}`)
		s.want(`al ~ {` + at + `,"from":"al","room":5,"text":"` + text + `","textroom":"message"}`)
	}
	s.data("bo", `{"textroom":"join","transaction":"3","room":5,"username":"bo"}`)
	s.want(
		`bo ~ {`+at+`,"display":"Al","from":"al","room":5,"text":"two","textroom":"message"}`,
		`bo ~ {`+at+`,"display":"Al","from":"al","room":5,"text":"three","textroom":"message"}`,
		`al+bo ~ {"room":5,"textroom":"join","username":"bo"}`,
		`bo ~ {"participants":[{"username":"al","display":"Al"}],"textroom":"success","transaction":"3"}`,
	)
	if n := len(s.stored[roomName(request.NumberID(5))]); n != 5 { // attributes, two members, two messages
		t.Errorf("%d fields are kept", n)
	}
}

func TestAnnouncementsAreHistory(t *testing.T) {
	s := newSim(t, Config{MaxHistory: 9})
	s.api("al", `{"request":"create","room":5,"history":9}`)
	s.api("al", `{"request":"announcement","room":5,"text":"hear"}`)
	s.data("bo", `{"textroom":"join","transaction":"3","room":5,"username":"bo"}`)
	s.want(
		`bo ~ {`+at+`,"room":5,"text":"hear","textroom":"announcement"}`,
		`bo ~ {"room":5,"textroom":"join","username":"bo"}`,
		`bo ~ {"participants":[],"textroom":"success","transaction":"3"}`,
	)
}

func TestHistoryIsBoundedWhateverIsAskedFor(t *testing.T) {
	s := newSim(t, Config{MaxHistory: 3})
	s.api("al", `{"request":"create","room":5,"history":1000000}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
	for range 10 {
		s.data("al", `{"textroom":"message","transaction":"2","room":5,"text":"x"}`)
	}
	if n := len(s.stored[roomName(request.NumberID(5))]); n != 5 { // attributes, a member, three messages
		t.Errorf("%d fields are kept", n)
	}
}

func TestHistoryIsBoundedInBytes(t *testing.T) {
	s := newSim(t, Config{MaxHistory: 1000})
	s.api("al", `{"request":"create","room":5,"history":1000}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
	long := strings.Repeat("x", 60_000)
	for range 30 {
		s.data("al", `{"textroom":"message","transaction":"2","room":5,"text":"`+long+`"}`)
	}
	s.data("bo", `{"textroom":"join","transaction":"3","room":5,"username":"bo"}`)
	size, messages := 0, 0
	for _, text := range s.last.Texts {
		if strings.Contains(string(text.Text), `"textroom":"message"`) {
			size, messages = size+len(text.Text), messages+1
		}
	}
	if size > maxHistoryBytes || size < maxHistoryBytes-100_000 {
		t.Errorf("%d bytes in %d messages", size, messages)
	}
}

func TestWhisperReachesOnlyThoseNamed(t *testing.T) {
	s := newSim(t, Config{MaxHistory: 9})
	s.api("al", `{"request":"create","room":5,"history":9}`)
	for _, who := range []string{"al", "bo", "cy"} {
		s.data(who, `{"textroom":"join","transaction":"1","room":5,"username":"`+who+`"}`)
	}
	s.data("al", `{"textroom":"message","transaction":"2","room":5,"text":"psst","tos":["cy","cy","nobody"]}`)
	s.want(
		`cy ~ {`+at+`,"from":"al","room":5,"text":"psst","textroom":"message","whisper":true}`,
		`al ~ {"sent":{"cy":true,"nobody":false},"textroom":"success","transaction":"2"}`,
	)
	if n := len(s.stored[roomName(request.NumberID(5))]); n != 4 {
		t.Errorf("a whisper is kept: %d fields", n)
	}
}

func TestLatePartingOfAnEarlierPeerDoesNotConcernALaterOne(t *testing.T) {
	s := newSim(t, Config{})
	s.api("al", `{"request":"create","room":5}`)
	s.data("bo", `{"textroom":"join","transaction":"1","room":5,"username":"bo"}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
	s.data("al", `{"textroom":"join","transaction":"2","room":5,"username":"al"}`, 2)
	s.want(
		`bo ~ {"room":5,"textroom":"leave","username":"al"}`,
		`bo+al ~ {"room":5,"textroom":"join","username":"al"}`,
		`al ~ {"participants":[{"username":"bo"}],"textroom":"success","transaction":"2"}`,
	)
	if len(s.parted) > 0 || !s.last.Enter {
		t.Errorf("the place is given up: %v", s.parted)
	}
	s.gone("al", 5, 1)
	s.want()
	s.gone("al", 5, 2)
	s.want(`bo ~ {"room":5,"textroom":"leave","username":"al"}`)
	s.gone("bo", 5, 0)
	s.want()
}

func TestRequestThatFailsChangesNothing(t *testing.T) {
	s := newSim(t, Config{MaxParticipants: 1})
	s.api("al", `{"request":"create","room":5,"secret":"s"}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
	before := fmt.Sprint(s.stored)
	s.data("bo", `{"textroom":"join","transaction":"2","room":5,"username":"bo"}`)
	s.want(`bo ~ {"textroom":"error","error_code":499,"error":"Maximum number of participants (1) already reached","transaction":"2"}`)
	s.api("bo", `{"request":"destroy","room":5}`)
	s.want(`= {"textroom":"error","error_code":413,"error":"Missing mandatory element (secret)"}`)
	s.data("bo", `{"textroom":"kick","transaction":"3","room":5,"secret":"x","username":"al"}`)
	s.want(`bo ~ {"textroom":"error","error_code":419,"error":"Unauthorized (wrong secret)","transaction":"3"}`)
	s.data("bo", `no JSON`)
	s.want()
	long := strings.Repeat("x", maxName+1)
	s.data("bo", `{"textroom":"join","transaction":"4","room":5,"username":"`+long+`"}`)
	s.want(`bo ~ {"textroom":"error","error_code":414,"error":"Invalid value (username should have at most 1024 bytes)","transaction":"4"}`)
	s.api("bo", `{"request":"allowed","room":5,"secret":"s","action":"add","allowed":["`+strings.Repeat("x", request.MaxTokenBytes+1)+`"]}`)
	s.want(`= {"textroom":"error","error_code":499,"error":"Too many tokens (at most 10000, of 16384 bytes together)"}`)
	if after := fmt.Sprint(s.stored); after != before {
		t.Errorf("was %s\nis %s", before, after)
	}
}

func TestKickedAndDestroyedLeaveTheirPlaces(t *testing.T) {
	s := newSim(t, Config{})
	s.api("al", `{"request":"create","room":5}`)
	for _, who := range []string{"al", "bo", "cy"} {
		s.data(who, `{"textroom":"join","transaction":"1","room":5,"username":"`+who+`"}`)
	}
	s.api("al", `{"request":"kick","room":5,"username":"bo"}`)
	s.want(`= {"textroom":"success"}`, `al+bo+cy ~ {"room":5,"textroom":"kicked","username":"bo"}`)
	if fmt.Sprint(s.parted) != "[2/10]" {
		t.Errorf("parted: %v", s.parted)
	}
	s.api("al", `{"request":"destroy","room":5}`)
	s.want(`= {"permanent":false,"room":5,"textroom":"destroyed"}`, `al+cy ~ {"room":5,"textroom":"destroyed"}`)
	if fmt.Sprint(s.parted) != "[1/10 3/10]" || len(s.stored) != 0 || len(s.index) != 0 {
		t.Errorf("parted: %v, stored: %v, listed: %v", s.parted, s.stored, s.index)
	}
}

func TestRoomsAreCreatedWithTheKeyOnlyAndPrivateOnesListedWithIt(t *testing.T) {
	s := newSim(t, Config{AdminKey: plugin.Fixed("k"), MaxRooms: 1})
	s.api("al", `{"request":"create","room":5}`)
	s.want(`= {"textroom":"error","error_code":413,"error":"Missing mandatory element (admin_key)"}`)
	s.api("al", `{"request":"create","room":5,"admin_key":"x"}`)
	s.want(`= {"textroom":"error","error_code":419,"error":"Unauthorized (wrong admin_key)"}`)
	s.api("al", `{"request":"create","room":5,"admin_key":"k","is_private":true}`)
	s.api("al", `{"request":"list"}`)
	s.want(`= {"list":[],"textroom":"success"}`)
	s.api("al", `{"request":"list","admin_key":"k"}`)
	s.want(`= {"list":[{"room":5,"description":"Room 5","pin_required":false,"num_participants":0,"history":0}],"textroom":"success"}`)
	for _, nothing := range []string{`""`, `5`, `null`, `{}`} {
		s.api("al", `{"request":"list","admin_key":`+nothing+`}`)
		s.want(`= {"list":[],"textroom":"success"}`)
	}
	s.api("al", `{"request":"list","admin_key":"x"}`)
	s.want(`= {"textroom":"error","error_code":419,"error":"Unauthorized (wrong admin_key)"}`)
	s.api("al", `{"request":"create","admin_key":"k"}`)
	s.want(`= {"textroom":"error","error_code":499,"error":"Maximum number of rooms (1) already reached"}`)
}

func TestMessagesArePostedOnlyWhereThatIsAllowed(t *testing.T) {
	s := newSim(t, Config{})
	s.api("al", `{"request":"create","room":5,"post":"http://10.0.0.1/"}`)
	s.want(`= {"textroom":"error","error_code":419,"error":"Unauthorized (post: not allowed by --text-post-allow)"}`)
	allow, err := post.ParseAllow([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	s = newSim(t, Config{PostAllow: allow})
	s.api("al", `{"request":"create","room":5,"post":"http://10.0.0.1/"}`)
	s.api("al", `{"request":"edit","room":5,"new_post":"http://127.0.0.1/"}`)
	s.want(`= {"textroom":"error","error_code":419,"error":"Unauthorized (post: not allowed by --text-post-allow)"}`)
	s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
	s.data("al", `{"textroom":"message","transaction":"1","room":5,"text":"hi"}`)
	if len(s.posts) != 1 || s.posts[0].URL != "http://10.0.0.1/" || !strings.Contains(string(s.posts[0].Body), `"text":"hi"`) {
		t.Errorf("posted: %s", s.posts)
	}
	s.data("al", `{"textroom":"message","transaction":"1","room":5,"text":"hi","to":"al"}`)
	if len(s.posts) != 0 {
		t.Errorf("a whisper is posted: %s", s.posts)
	}
	for _, announce := range []func(){
		func() { s.data("al", `{"textroom":"announcement","transaction":"1","room":5,"text":"hear"}`) },
		func() { s.api("bo", `{"request":"announcement","room":5,"text":"hear"}`) },
	} {
		announce()
		if len(s.posts) != 1 || !strings.Contains(string(s.posts[0].Body), `"text":"hear"`) || !strings.Contains(string(s.posts[0].Body), `"textroom":"announcement"`) {
			t.Errorf("posted of an announcement: %s", s.posts)
		}
	}
}

func TestPeerIsOfferedRestartedAndOver(t *testing.T) {
	s := newSim(t, Config{})
	s.api("al", `{"request":"restart"}`)
	s.want(`al < {"textroom":"error","error_code":416,"error":"PeerConnection not setup"} `)
	s.api("al", `{"request":"setup"}`)
	s.want(`al < {"result":"ok","textroom":"event"} offer, restart false`)
	if s.last.Bind == nil || len(s.last.Made) != 1 {
		t.Error("the handle is not bound to its peer")
	}
	s.api("al", `{"request":"setup"}`)
	s.want(`al < {"textroom":"error","error_code":416,"error":"PeerConnection already setup"} `)
	s.api("al", `{"request":"ack"}`)
	s.want(`al < {"result":"ok","textroom":"event"} `)
	s.api("al", `{"request":"restart"}`)
	s.want(`al < {"result":"ok","textroom":"event"} offer, restart true`)
	closed := func(generation uint32) {
		s.run(handles+id("al").String(), plugin.Command{
			Command: &busv1.Command{Verb: &busv1.Command_Peer{Peer: &busv1.PeerEvent{
				Generation: generation, Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "DTLS alert"}},
			}}},
			Handle: plugin.Handle{ID: id("al")},
		})
	}
	closed(7)
	s.want()
	closed(1)
	s.want("al < *busv1.Event_Hangup")
	if s.last.Scatter != 1 || len(s.last.Lost) != 1 {
		t.Errorf("the handle stays in its rooms: %d, %v", s.last.Scatter, s.last.Lost)
	}
	s.api("al", `{"request":"setup"}`)
	s.want(`al < {"result":"ok","textroom":"event"} offer, restart false`)
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		`{"textroom":"join","transaction":"t","room":5,"username":"bo"}`,
		`{"textroom":"message","transaction":"t","room":5,"text":"x","tos":["al"]}`,
		`{"textroom":"allowed","transaction":"t","room":5,"action":"add","allowed":["x"]}`,
		`{"textroom":"edit","transaction":"t","room":5,"new_pin":"x"}`, `[]`, `{"textroom":"list","transaction":"t"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := newSim(t, Config{MaxHistory: 3})
		s.api("al", `{"request":"create","room":5,"history":5}`)
		s.data("al", `{"textroom":"join","transaction":"1","room":5,"username":"al"}`)
		s.data("bo", text)
		s.api("bo", text)
	})
}

func TestRoomsMayBeNamedByStrings(t *testing.T) {
	s := newSim(t, Config{StringIDs: true, AdminKey: plugin.Fixed("k")})
	s.api("al", `{"request":"create","room":"b/\"c","admin_key":"k"}`)
	s.want(`= {"permanent":false,"room":"b/\"c","textroom":"created"}`)
	s.api("al", `{"request":"create","room":"b/\"c","admin_key":"k"}`)
	s.want(`= {"textroom":"error","error_code":418,"error":"Room b/\"c already exists"}`)
	s.api("al", `{"request":"create","room":5,"admin_key":"k"}`)
	s.want(`= {"textroom":"error","error_code":414,"error":"Invalid element type (room should be a string)"}`)
	s.api("al", `{"request":"create","room":"a","admin_key":"k"}`)
	s.api("al", `{"request":"exists","room":"none"}`)
	s.want(`= {"exists":false,"room":"none","textroom":"success"}`)
	s.api("al", `{"request":"list"}`)
	s.want(`= {"list":[{"room":"a","description":"Room a","pin_required":false,"num_participants":0,"history":0},` +
		`{"room":"b/\"c","description":"Room b/\"c","pin_required":false,"num_participants":0,"history":0}],"textroom":"success"}`)
	s.data("al", `{"textroom":"leave","transaction":"t","room":"a"}`)
	s.want(`al ~ {"textroom":"error","error_code":422,"error":"Not in room a","transaction":"t"}`)
}

func TestAListOfRoomsIsBounded(t *testing.T) {
	s := newSim(t, Config{})
	const n = 300
	for i := range n {
		s.api("al", fmt.Sprintf(`{"request":"create","room":%d,"description":"%s"}`, i+1, strings.Repeat("x", maxDescription)))
	}
	s.api("al", `{"request":"list"}`)
	got := s.said[0]
	listed := strings.Count(got, `"room":`)
	if len(got) > maxList+1000 || listed < n/2 || !strings.Contains(got, fmt.Sprintf(`"left_out":%d`, n-listed)) {
		t.Errorf("%d bytes, %d rooms, …%s", len(got), listed, got[len(got)-100:])
	}
	for _, name := range []string{"secret", "pin", "post"} {
		s.api("al", `{"request":"create","room":999,"`+name+`":"`+strings.Repeat("x", maxDescription+1)+`"}`)
		s.want(`= {"textroom":"error","error_code":414,"error":"Invalid value (` + name + ` should have at most 4096 bytes)"}`)
		s.api("al", `{"request":"edit","room":1,"new_`+name+`":"`+strings.Repeat("x", maxDescription+1)+`"}`)
		s.want(`= {"textroom":"error","error_code":414,"error":"Invalid value (new_` + name + ` should have at most 4096 bytes)"}`)
	}
	s.api("al", `{"request":"create","room":999,"description":"`+strings.Repeat("x", maxDescription+1)+`"}`)
	s.want(`= {"textroom":"error","error_code":414,"error":"Invalid value (description should have at most 4096 bytes)"}`)
}
