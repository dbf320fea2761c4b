// Package talk plays written conversations to a Janus server and notes what it says, so that two servers can be
// compared.
//
// A conversation is a text of one step a line. Names stand for sockets, and after a dot for handles:
//
//	# a comment
//	al create                                a session
//	al attach janus.plugin.videoroom pub     a handle, al.pub
//	al attach janus.plugin.echotest e opaque me  the same with an opaque id
//	al.pub {"request":"exists","room":1}     a message
//	al.pub offer av {"request":"configure"}  the same with an offer, of audio and video that are then sent
//	al.pub offer restart {"request":"configure"}  the same with an offer that restarts ICE
//	al.sub answer {"request":"start"}        the same with an answer to the last offer on that handle
//	al.sub answer av {"request":"accept"}    the same, audio and video being sent
//	al.sub again {"request":"start"}         the same with the last answer once more
//	al.pub offer avAV {"request":"configure"}  A and V are a second stream of audio and of video
//	al.pub with x(.) => y$1                  the next offer or answer of that handle has this in the place of what matches; \n ends a line
//	al.pub trickle null                      a trickle of that candidate
//	al.pub data {"textroom":"list"}          a text over the data channel, once that is open
//	al.pub hangup | detach                   such a request; words behind it are for people
//	al send {"janus":"keepalive",…}          anything: $S is the session, $pub a handle
//	al destroy
//	al drop                                  the socket is closed
//	al.pub {"request":"kick","id":$dummy}    $dummy is the id of the last dummy publisher that was heard of
//	wait 500ms                               time for the step before it
//	quiet 50ms                               how long nothing must be heard from here on before the next step
//
// All that any socket hears after a step belongs to that step: until its request is answered, media that it has
// begun flows, and it is quiet again.
package talk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/janus"
)

const (
	// quiet is how long nothing must be heard before the next step, unless the conversation says otherwise.
	quiet = 250 * time.Millisecond
	// patience is for an answer, and again for media to flow. Servers answer within milliseconds; machines may be busy.
	patience = 10 * time.Second
	// afterAck is for the event that should follow an ack: now and then Janus sends none.
	afterAck = 5 * time.Second
)

// Step is what was heard after one line: by socket, each message with ids and SDP made comparable. The order of
// messages is Janus's to choose (spec/janus-api.md, 2.3), so they are sorted.
type Step struct {
	Line  string
	Heard map[string][]any
	Took  time.Duration
}

// Play plays a conversation to the server at url.
func Play(ctx context.Context, url, conversation string) ([]Step, error) {
	p := &player{url: url, conversation: conversation, quiet: quiet, sockets: map[string]*socket{}, names: map[uint64]string{}}
	defer p.close()
	var steps []Step
	lines := bufio.NewScanner(strings.NewReader(conversation))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if during, ok := strings.CutPrefix(line, "quiet "); ok {
			d, err := time.ParseDuration(during)
			if err != nil {
				return steps, fmt.Errorf("%s: %w", line, err)
			}
			p.quiet = d
			continue
		}
		if wait, ok := strings.CutPrefix(line, "wait "); ok {
			d, err := time.ParseDuration(wait)
			if err != nil || len(steps) == 0 {
				return steps, fmt.Errorf("%s: %w", line, err)
			}
			p.asked = nil
			time.Sleep(d)
		} else {
			p.asked = nil
			if err := p.step(ctx, line); err != nil {
				return steps, fmt.Errorf("%s: %w", line, err)
			}
			steps = append(steps, Step{Line: line, Heard: map[string][]any{}})
		}
		if err := p.listen(ctx, &steps[len(steps)-1]); err != nil {
			return steps, fmt.Errorf("%s: %w", line, err)
		}
	}
	return steps, nil
}

type player struct {
	conversation string

	url     string
	quiet   time.Duration
	sockets map[string]*socket
	next    int
	asked   *asked
	names   map[uint64]string // of session and handle ids
	dummy   string            // id of the last dummy publisher
}

type socket struct {
	name    string
	conn    *janus.Conn
	session uint64
	handles map[string]*handle

	mu    sync.Mutex
	heard []janus.Message
}

type handle struct {
	id       uint64
	peer     *peer
	offer    string   // last heard
	answered string   // last sent
	changes  []change // of what it describes next

	rising bool            // negotiated, and not up yet
	ending bool            // to be hung up by the server, which it has not said yet
	due    map[string]bool // mids of which media is not heard of yet
}

func (p *player) close() {
	for _, s := range p.sockets {
		for _, h := range s.handles {
			h.peer.close()
		}
		_ = s.conn.Close()
	}
}

func (p *player) socket(ctx context.Context, name string) (*socket, error) {
	if s, ok := p.sockets[name]; ok {
		return s, nil
	}
	s := &socket{name: name, handles: map[string]*handle{}}
	conn, err := janus.Dial(ctx, p.url, s.hear)
	if err != nil {
		return nil, err
	}
	s.conn = conn
	p.sockets[name] = s
	return s, nil
}

func (s *socket) hear(m janus.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, m)
}

// hearData notes a text that came over the data channel of a handle.
func (s *socket) hearData(handle uint64, text string) {
	heard := janus.Object{"janus": "data", "sender": handle, "text": text}
	if json.Valid([]byte(text)) {
		heard["text"] = json.RawMessage(text)
	}
	raw, err := json.Marshal(heard)
	if err != nil {
		panic(err) // of text and numbers
	}
	s.hear(janus.Message{Raw: raw})
}

// step does one line.
func (p *player) step(ctx context.Context, line string) error {
	who, rest, _ := strings.Cut(line, " ")
	name, handleName, hasHandle := strings.Cut(who, ".")
	s, err := p.socket(ctx, name)
	if err != nil {
		return err
	}
	if !hasHandle {
		return p.socketStep(ctx, s, rest)
	}
	h, ok := s.handles[handleName]
	if !ok {
		return fmt.Errorf("no handle %q", who)
	}
	return p.handleStep(s, h, rest)
}

func (p *player) transaction() string {
	p.next++
	return fmt.Sprint("step-", p.next)
}

func (p *player) socketStep(ctx context.Context, s *socket, rest string) error {
	verb, args, _ := strings.Cut(rest, " ")
	switch verb {
	case "create":
		id, err := s.conn.Create(ctx)
		if err != nil {
			return err
		}
		s.session = id
		p.names[id] = "$" + s.name
		return nil
	case "attach":
		plugin, name, _ := strings.Cut(args, " ")
		name, opaque, _ := strings.Cut(name, " opaque ")
		id, err := s.attach(ctx, plugin, opaque)
		if err != nil {
			return err
		}
		s.handles[name] = &handle{id: id}
		p.names[id] = "$" + s.name + "." + name
		return nil
	case "send":
		args = strings.ReplaceAll(args, "$S", fmt.Sprint(s.session))
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(s.handles))) { // longer names first
			args = strings.ReplaceAll(args, "$"+name, fmt.Sprint(s.handles[name].id))
		}
		var request struct {
			Janus       string `json:"janus"`
			Transaction string `json:"transaction"`
		}
		if err := json.Unmarshal([]byte(args), &request); err != nil {
			p.asked = &asked{socket: s, any: true} // what comes of it is for the server to say
			return s.conn.SendRaw([]byte(args))
		}
		p.asked = &asked{socket: s, transaction: request.Transaction, message: request.Janus == "message"}
		return s.conn.SendRaw([]byte(args))
	case "destroy":
		return p.ask(s, janus.Object{"janus": "destroy", "session_id": s.session, "transaction": p.transaction()})
	case "drop":
		for _, h := range s.handles {
			h.peer.close()
		}
		delete(p.sockets, s.name)
		return s.conn.Close()
	}
	return fmt.Errorf("unknown step %q", verb)
}

// attach makes a handle; opaque is its opaque id, empty for none.
func (s *socket) attach(ctx context.Context, plugin, opaque string) (uint64, error) {
	if opaque == "" {
		return s.conn.Attach(ctx, s.session, plugin)
	}
	m, err := s.conn.Request(ctx, janus.Object{"janus": "attach", "session_id": s.session, "plugin": plugin, "opaque_id": opaque})
	if err != nil {
		return 0, err
	}
	return m.Data.ID, nil
}

func (p *player) handleStep(s *socket, h *handle, rest string) error {
	request := janus.Object{"session_id": s.session, "handle_id": h.id, "transaction": p.transaction()}
	verb, args, _ := strings.Cut(rest, " ")
	switch verb {
	case "hangup", "detach":
		request["janus"] = verb
		return p.ask(s, request)
	case "trickle":
		request["janus"], request["candidate"] = "trickle", json.RawMessage(args)
		return p.ask(s, request)
	case "data":
		p.askData(s, args)
		return h.peer.write(args)
	case "offer":
		var kinds string
		kinds, rest, _ = strings.Cut(args, " ")
		if h.peer == nil || h.peer.refused() {
			h.peer.close()
			h.peer = newPeer(func(text string) { s.hearData(h.id, text) })
		}
		sdp, err := h.peer.offer(kinds)
		if err != nil {
			return err
		}
		request["jsep"] = janus.JSEP{Type: "offer", SDP: h.changed(sdp)}
	case "answer":
		var kinds string
		if rest = args; !strings.HasPrefix(args, "{") {
			kinds, rest, _ = strings.Cut(args, " ")
		}
		if h.offer == "" {
			break // the request goes out without: a server that owes no offer says so
		}
		first := h.peer.fresh()
		if h.peer == nil {
			h.peer = newPeer(func(text string) { s.hearData(h.id, text) })
		}
		for _, section := range sections(h.offer) {
			h.rising = h.rising || first && !section.refused && section.direction != "inactive"
			h.peer.known[section.mid] = true // media of it is told when it comes, not after a later answer
		}
		sdp, err := h.peer.answer(h.offer, kinds)
		if err != nil {
			return err
		}
		h.offer, h.answered = "", h.changed(sdp)
		request["jsep"] = janus.JSEP{Type: "answer", SDP: h.answered}
	case "again":
		rest = args
		request["jsep"] = janus.JSEP{Type: "answer", SDP: h.changed(h.answered)}
	case "with":
		return h.change(args)
	}
	rest = strings.ReplaceAll(rest, "$dummy", p.dummy)
	if !json.Valid([]byte(rest)) {
		return fmt.Errorf("not JSON: %s", rest)
	}
	request["janus"], request["body"] = "message", json.RawMessage(rest)
	return p.ask(s, request)
}

// listen adds what is heard to step until the step is over. Offers and answers go to the peers of their handles.
func (p *player) listen(ctx context.Context, step *Step) error {
	began := time.Now()
	defer func() { step.Took += time.Since(began) }()
	last := began
	for {
		heard, err := p.drain(step)
		if err != nil {
			return err
		}
		now := time.Now()
		if heard {
			last = now
		}
		if now.Sub(last) >= p.quiet && (p.settled(now) || now.Sub(began) > patience) {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, messages := range step.Heard {
		sortByText(messages)
	}
	return nil
}

// settled tells whether the step's request is answered, and what media it has begun flows.
func (p *player) settled(now time.Time) bool {
	if a := p.asked; a != nil && !a.answered && (a.acked.IsZero() || now.Sub(a.acked) < afterAck) {
		return false
	}
	for _, s := range p.sockets {
		for _, h := range s.handles {
			if h.rising || h.ending || len(h.due) > 0 {
				return false
			}
		}
	}
	return true
}

// drain takes what was heard since, and reports whether that was anything.
func (p *player) drain(step *Step) (bool, error) {
	any := false
	for name, s := range p.sockets {
		s.mu.Lock()
		messages := s.heard
		s.heard = nil
		s.mu.Unlock()
		for _, m := range messages {
			any = true
			p.noteAnswer(s, m)
			p.noteDummy(m)
			if h := s.sender(m); h != nil {
				h.note(m)
			}
			plain, err := p.comparable(m.Raw)
			if err != nil {
				return any, err
			}
			step.Heard[name] = append(step.Heard[name], plain)
		}
	}
	return any, nil
}

// noteDummy keeps the id of a dummy publisher among those that a message lists.
func (p *player) noteDummy(m janus.Message) {
	type listed struct {
		ID    json.RawMessage `json:"id"`
		Dummy bool            `json:"dummy"`
	}
	var lists struct{ Participants, Publishers []listed }
	_ = json.Unmarshal(m.Plugin.Data, &lists) // what has other members lists none
	for _, one := range append(lists.Participants, lists.Publishers...) {
		if one.Dummy {
			p.dummy = string(one.ID)
		}
	}
}

// sender finds the handle that a message is about.
func (s *socket) sender(m janus.Message) *handle {
	for _, h := range s.handles {
		if m.Sender != 0 && h.id == m.Sender {
			return h
		}
	}
	return nil
}

// note takes over what a message means for the handle's PeerConnection.
func (h *handle) note(m janus.Message) {
	switch m.Janus {
	case "webrtcup":
		h.rising = false
	case "media":
		var about struct {
			Mid string `json:"mid"`
		}
		_ = json.Unmarshal(m.Raw, &about) // without a mid it is about none that is waited for
		delete(h.due, about.Mid)
	case "hangup", "detached":
		h.peer.close()
		h.peer, h.offer, h.rising, h.ending, h.due = nil, "", false, false, nil
	case "event":
		var data struct {
			Unpublished json.RawMessage `json:"unpublished"`
			Left        string          `json:"left"`
		}
		_ = json.Unmarshal(m.Plugin.Data, &data) // of another plugin: nothing ends
		h.ending = h.ending || !h.peer.fresh() && (string(data.Unpublished) == `"ok"` || data.Left == "ok")
	}
	if m.JSEP == nil {
		return
	}
	if m.JSEP.Type == "offer" {
		h.offer = m.JSEP.SDP
		return
	}
	first := h.peer.fresh()
	if err := h.peer.accept(m.JSEP.SDP); err != nil {
		return // the peer stays as it is; that the servers' answers differ shows in their comparison
	}
	for _, section := range sections(m.JSEP.SDP) {
		if section.refused || section.direction == "inactive" {
			continue
		}
		h.rising = h.rising || first
		if section.kind != "application" && !h.peer.known[section.mid] {
			h.peer.known[section.mid] = true
			if h.due == nil {
				h.due = map[string]bool{}
			}
			h.due[section.mid] = true
		}
	}
}
