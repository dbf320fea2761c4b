package videoroom

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// sim runs the rules as package room does, with a store and a node of its own, and keeps what came of them.
type sim struct {
	plugin  *Plugin
	rooms   map[string]plugin.Room
	fields  map[string]map[string]string // as the store has them
	index   map[string][]byte
	handles map[plugin.HandleID]plugin.Handle
	names   map[plugin.HandleID]string
	peers   map[plugin.HandleID]uint32 // generation that the node has
	slots   map[plugin.HandleID][]*mediav1.Slot
	log     []string
	noticed []plugin.Notice             // of the last command
	heard   map[string][]map[string]any // plugin events by handle name
	now     time.Time
	count   int
	made    uint64
	refuse  func(q plugin.Question) error
	placed  []plugin.Question          // questions for a node
	node    string                     // that is the answer to them
	on      map[plugin.PeerKey]bool    // peers as the store lists them by nodes
	dead    map[string]bool            // nodes
	told    map[string]plugin.Question // the last about slots, by node and handle
}

func newSim(cfg Config) *sim {
	return &sim{
		plugin: New(cfg), rooms: map[string]plugin.Room{}, fields: map[string]map[string]string{},
		index: map[string][]byte{}, handles: map[plugin.HandleID]plugin.Handle{}, names: map[plugin.HandleID]string{},
		peers: map[plugin.HandleID]uint32{}, slots: map[plugin.HandleID][]*mediav1.Slot{},
		heard: map[string][]map[string]any{}, now: time.Unix(1000, 0),
		node: "n1", on: map[plugin.PeerKey]bool{}, dead: map[string]bool{}, told: map[string]plugin.Question{},
	}
}

func (s *sim) handle(name string) plugin.Handle {
	for id, n := range s.names {
		if n == name {
			return s.handles[id]
		}
	}
	s.made++
	id := plugin.HandleID{Session: 1, Handle: s.made}
	s.names[id] = name
	s.handles[id] = plugin.Handle{ID: id, Plugin: Name}
	return s.handles[id]
}

func (s *sim) command(name string) plugin.Command {
	s.count++
	s.now = s.now.Add(time.Second)
	h := s.handle(name)
	return plugin.Command{
		Command: &busv1.Command{
			Id: fmt.Sprintf("c%d", s.count), SessionId: h.ID.Session, HandleId: h.ID.Handle, Transaction: fmt.Sprintf("t%d", s.count),
		},
		Handle: h,
	}
}

// send is a message, with an SDP if given: its type, and what it says.
func (s *sim) send(name, body string, jsep ...string) {
	cmd := s.command(name)
	m := &busv1.Message{Body: []byte(body)}
	if len(jsep) == 2 {
		m.Jsep = &busv1.Jsep{Type: jsep[0], Sdp: jsep[1]}
	}
	cmd.Verb = &busv1.Command_Message{Message: m}
	s.do(cmd, s.plugin.Route(cmd).Room)
}

func (s *sim) detach(name string) {
	cmd := s.command(name)
	cmd.Verb = &busv1.Command_Detach{Detach: &busv1.Detach{}}
	s.do(cmd, cmd.Handle.Room)
}

func (s *sim) hangup(name string) {
	cmd := s.command(name)
	cmd.Verb = &busv1.Command_Hangup{Hangup: &busv1.Hangup{}}
	s.do(cmd, cmd.Handle.Room)
}

func (s *sim) news(name string, news *busv1.PeerEvent) {
	cmd := s.command(name)
	if news.Generation == 0 {
		news.Generation = s.peers[cmd.Handle.ID]
	}
	cmd.Verb = &busv1.Command_Peer{Peer: news}
	s.do(cmd, cmd.Handle.Room)
}

func (s *sim) up(name string) {
	s.news(name, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Up_{Up: &busv1.PeerEvent_Up{}}})
}

func (s *sim) closed(name, reason string) {
	s.news(name, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: reason}}})
}

// do runs a command to its end.
func (s *sim) do(cmd plugin.Command, name string) {
	room := s.rooms[name]
	if room == nil {
		var err error
		if room, err = s.plugin.Load(name, s.fields[name]); err != nil {
			panic(err)
		}
	}
	answers := plugin.Answers{}
	for range 10 {
		t := plugin.NewTurn(cmd, s.now, func(node string) bool { return !s.dead[node] }, answers)
		result := room.Apply(t)
		if len(t.Open) == 0 {
			s.commit(cmd, name, t, result)
			return
		}
		for _, q := range t.Open {
			answers.Put(q, s.answer(q))
		}
	}
	panic("a rule does not stop asking")
}

func (s *sim) commit(cmd plugin.Command, name string, t *plugin.Turn, result plugin.Result) {
	me := s.names[cmd.Handle.ID]
	s.noticed = t.Notices
	if t.Failure != nil {
		s.log = append(s.log, fmt.Sprintf("%s ! %s %s", me, fault.Of(t.Failure), fault.Text(t.Failure)))
		return
	}
	if result.Next != nil {
		s.store(name, result)
	}
	if t.Bind != nil {
		h := s.handles[cmd.Handle.ID]
		h.Room, h.Role = t.Bind.Room, t.Bind.Role
		s.handles[cmd.Handle.ID] = h
	}
	for _, p := range t.Made {
		s.on[p] = true
	}
	for _, p := range t.Lost {
		delete(s.on, p)
	}
	for _, e := range t.Events {
		s.hear(e)
	}
	if t.Reply != nil {
		s.log = append(s.log, fmt.Sprintf("%s = %s", me, t.Reply))
	}
	if t.Gone {
		delete(s.handles, cmd.Handle.ID)
		delete(s.names, cmd.Handle.ID)
	}
	for _, task := range t.Tasks {
		c := task.Close
		name := s.names[c.Handle]
		if c.Quiet {
			name = me
		}
		s.log = append(s.log, strings.TrimSpace(fmt.Sprintf("%s closed %s", name, c.Reason)))
		if s.peers[c.Handle] == c.Generation {
			delete(s.peers, c.Handle)
		}
		if !c.Quiet {
			s.news(name, &busv1.PeerEvent{
				Generation: c.Generation, Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: c.Reason}},
			})
		}
	}
}

// store keeps the fields and reads the room back from them now and then: what is not stored is not true.
func (s *sim) store(name string, result plugin.Result) {
	if s.fields[name] == nil {
		s.fields[name] = map[string]string{}
	}
	for key, value := range result.Set {
		s.fields[name][key] = string(value)
	}
	for _, key := range result.Delete {
		delete(s.fields[name], key)
	}
	if result.Index != nil {
		s.index[name] = result.Index
	}
	if result.Drop {
		delete(s.fields, name)
		delete(s.index, name)
	}
	s.rooms[name] = result.Next
	if s.count%2 == 0 || result.Drop {
		delete(s.rooms, name)
	}
}

func (s *sim) hear(e *busv1.Event) {
	name, ok := s.names[plugin.HandleID{Session: e.GetSessionId(), Handle: e.GetHandleId()}]
	if !ok {
		panic("an event for nobody")
	}
	line := name + " < "
	if e.GetTransaction() != "" {
		line = name + " <- "
	}
	switch kind := e.GetKind().(type) {
	case *busv1.Event_Plugin:
		line += string(kind.Plugin.GetData())
		if jsep := kind.Plugin.GetJsep(); jsep != nil {
			line += fmt.Sprintf(" + %s %s", jsep.GetType(), jsep.GetSdp())
		}
		var data map[string]any
		if err := json.Unmarshal(kind.Plugin.GetData(), &data); err != nil {
			panic(err)
		}
		s.heard[name] = append(s.heard[name], data)
	case *busv1.Event_Hangup:
		line += "hangup " + kind.Hangup.GetReason()
	case *busv1.Event_WebrtcUp:
		line += "webrtcup"
	case *busv1.Event_Detached:
		line += "detached"
	case *busv1.Event_Candidate:
		line += fmt.Sprintf("trickle %s %s %d", kind.Candidate.GetCandidate(), kind.Candidate.GetSdpMid(), kind.Candidate.GetSdpMLineIndex())
	default:
		line += fmt.Sprintf("%T", kind)
	}
	s.log = append(s.log, line)
}

// answer is the node's, which takes SDP that lists streams: "audio:opus video:vp8", or "video:none" for a refused one.
func (s *sim) answer(q plugin.Question) plugin.Answer {
	switch {
	case q.Place:
		s.placed = append(s.placed, q)
		return plugin.Answer{Node: s.node}
	case q.Spent:
		return plugin.Answer{}
	case q.Count:
		return plugin.Answer{Count: len(s.index)}
	case q.Rooms:
		var all [][]byte
		for _, entry := range s.index {
			all = append(all, entry)
		}
		return plugin.Answer{Rooms: all}
	}
	if s.refuse != nil {
		if err := s.refuse(q); err != nil {
			return plugin.Answer{Err: err}
		}
	}
	switch r := q.Request.(type) {
	case *mediav1.AcceptOfferRequest:
		if strings.HasPrefix(r.GetSdp(), "bad") {
			return plugin.Answer{Err: fault.Newf(fault.InvalidSDP, "no SDP")}
		}
		s.peers[q.Handle] = r.GetPeer().GetGeneration()
		return plugin.Answer{Response: &mediav1.AcceptOfferResponse{Sdp: r.GetSdp(), Streams: streamsOf(r.GetSdp())}}
	case *mediav1.MakeOfferRequest:
		s.peers[q.Handle] = r.GetPeer().GetGeneration()
		s.slots[q.Handle] = r.GetSlots()
		return plugin.Answer{Response: &mediav1.MakeOfferResponse{Sdp: offerOf(r)}}
	case *mediav1.AcceptAnswerRequest:
		ready := &mediav1.AcceptAnswerResponse{}
		for _, slot := range s.slots[q.Handle] {
			if slot.GetSource() != nil || slot.GetKind() == mediav1.Kind_KIND_DATA { // else it is inactive
				ready.Ready = append(ready.Ready, slot.GetMid())
			}
		}
		return plugin.Answer{Response: ready}
	case *mediav1.ForwardRequest:
		done := &mediav1.ForwardResponse{}
		for _, f := range r.GetForwarders() {
			done.Forwarders = append(done.Forwarders, &mediav1.ForwardResponse_Forwarded{Id: f.GetId(), Address: f.GetHost(), LocalRtcpPort: f.GetRtcpPort()})
		}
		return plugin.Answer{Response: done}
	case *mediav1.AcceptRemoteRequest:
		s.peers[q.Handle] = r.GetPeer().GetGeneration()
		return plugin.Answer{Response: &mediav1.AcceptRemoteResponse{Port: 20000, RtcpPort: 20001}}
	case *mediav1.PublishRemotelyRequest:
		done := &mediav1.PublishRemotelyResponse{}
		for _, server := range r.GetServers() {
			keeper := "of " + q.Node
			if server.GetSrtp() == nil {
				keeper = ""
			}
			if server.GetResumes() && server.GetKeeper() != keeper {
				return plugin.Answer{Err: fault.Newf(fault.BadElement, "it is not known here what the SRTP key was used for: another is needed")}
			}
			done.Keepers = append(done.Keepers, keeper)
			done.Addresses = append(done.Addresses, server.GetHost())
		}
		return plugin.Answer{Response: done}
	case *mediav1.UnpublishRemotelyRequest:
		return plugin.Answer{Response: &mediav1.UnpublishRemotelyResponse{}}
	case *mediav1.UpdateSubscriberRequest:
		s.told[q.Node+" "+s.names[q.Handle]] = q
		return plugin.Answer{Response: &mediav1.UpdateSubscriberResponse{}}
	case *mediav1.TakePeerRequest:
		return plugin.Answer{Response: &mediav1.TakePeerResponse{Candidates: []string{"1 1 udp 5 192.0.2.1 9 typ host"}}}
	}
	return plugin.Answer{Response: &mediav1.UpdatePublisherResponse{}}
}

func streamsOf(sdp string) []*mediav1.PublishedStream {
	var all []*mediav1.PublishedStream
	for i, word := range strings.Fields(sdp) {
		kind, codec, _ := strings.Cut(word, ":")
		codec, flag, _ := strings.Cut(codec, "/")
		p := &mediav1.PublishedStream{Mid: fmt.Sprint(i), Kind: mediav1.Kind_KIND_VIDEO, Codec: codec, Simulcast: flag == "sim"}
		switch kind {
		case "audio":
			p.Kind, p.AudioLevelId, p.OpusFec = mediav1.Kind_KIND_AUDIO, 1, codec == "opus"
		case "data":
			p.Kind = mediav1.Kind_KIND_DATA
		}
		if p.Disabled = flag == "inactive" || codec == "none"; codec == "none" {
			p.Codec = ""
		}
		all = append(all, p)
	}
	return all
}

func offerOf(r *mediav1.MakeOfferRequest) string {
	words := []string{fmt.Sprintf("gen%d", r.GetPeer().GetGeneration())}
	if r.GetIceRestart() {
		words = append(words, "restart")
	}
	for _, slot := range r.GetSlots() {
		word := "inactive"
		if from := slot.GetSource(); from != nil {
			word = "nobody:" + from.GetMid()
			if from.GetFeed() != "" {
				word = from.GetFeed()[strings.IndexByte(from.GetFeed(), '#')+1:] + ":" + from.GetMid()
			}
			if slot.GetOpusRed() {
				word += "/red"
			}
			if slot.GetInactive() {
				word += "/inactive"
			}
		} else if slot.GetKind() == mediav1.Kind_KIND_DATA {
			word = fmt.Sprintf("data*%d", len(slot.GetDataSources()))
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// check tells what must hold of a room at any time.
func (s *sim) check(t interface{ Errorf(string, ...any) }) {
	s.checkNodes(t)
	for name, fields := range s.fields {
		loaded, err := s.plugin.Load(name, fields)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		room := loaded.(*Room)
		ids := map[ID]bool{}
		for _, p := range room.byAge() {
			if ids[p.ID] {
				t.Errorf("two feeds have id %s", p.ID)
			}
			ids[p.ID] = true
			if (p.Peer == nil) != (len(p.Streams) == 0) && !p.Dummy {
				t.Errorf("%s: streams and peer do not go together", p.ID)
			}
		}
		for _, sub := range room.watchers() {
			for i, slot := range sub.Slots {
				if slot.Mid != fmt.Sprint(i) {
					t.Errorf("slot %d has mid %s", i, slot.Mid)
				}
				if slot.Source == nil {
					continue
				}
				p := room.publishers[slot.Source.Handle]
				if p == nil || !p.live() || p.Generation != slot.Source.Generation || p.stream(slot.Source.Mid) == nil {
					t.Errorf("slot %d has a source that is gone", i)
				}
			}
		}
	}
}

func sortedNames(s *sim) []string {
	var all []string
	for _, name := range s.names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
