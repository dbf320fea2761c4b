// Package talk plays written conversations to a Janus server and notes what it says, so that two servers can be
// compared.
//
// A conversation is a text of one step a line. Names stand for sockets, and after a dot for handles:
//
//	# a comment
//	al create                                a session
//	al attach janus.plugin.videoroom pub     a handle, al.pub
//	al.pub {"request":"exists","room":1}     a message
//	al.pub offer av {"request":"configure"}  the same with an offer, of audio and video that are then sent
//	al.sub answer {"request":"start"}        the same with an answer to the last offer on that handle
//	al.pub trickle null                      a trickle of that candidate
//	al.pub data {"textroom":"list"}          a text over the data channel, once that is open
//	al.pub hangup | detach                   such a request
//	al send {"janus":"keepalive",…}          anything: $S is the session, $pub a handle
//	al destroy
//	al drop                                  the socket is closed
//	wait 500ms                               time for the step before it
//
// All that any socket hears after a step, until it is quiet again, belongs to that step.
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

// quiet is how long nothing must be heard before the next step.
const quiet = 250 * time.Millisecond

// Step is what was heard after one line: by socket, each message with ids and SDP made comparable. The order of
// messages is Janus's to choose (spec/janus-api.md, 2.3), so they are sorted.
type Step struct {
	Line  string
	Heard map[string][]any
}

// Play plays a conversation to the server at url.
func Play(ctx context.Context, url, conversation string) ([]Step, error) {
	p := &player{url: url, sockets: map[string]*socket{}, names: map[uint64]string{}}
	defer p.close()
	var steps []Step
	lines := bufio.NewScanner(strings.NewReader(conversation))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if wait, ok := strings.CutPrefix(line, "wait "); ok {
			d, err := time.ParseDuration(wait)
			if err != nil || len(steps) == 0 {
				return steps, fmt.Errorf("%s: %w", line, err)
			}
			time.Sleep(d)
		} else {
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
	url     string
	sockets map[string]*socket
	next    int
	names   map[uint64]string // of session and handle ids
}

type socket struct {
	name    string
	conn    *janus.Conn
	session uint64
	handles map[string]*handle

	mu    sync.Mutex
	heard []janus.Message
	last  time.Time
}

type handle struct {
	id    uint64
	peer  *peer
	offer string // last heard
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
	s.last = time.Now()
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
		id, err := s.conn.Attach(ctx, s.session, plugin)
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
		return s.conn.SendRaw([]byte(args))
	case "destroy":
		return s.conn.Send(janus.Object{"janus": "destroy", "session_id": s.session, "transaction": p.transaction()})
	case "drop":
		for _, h := range s.handles {
			h.peer.close()
		}
		delete(p.sockets, s.name)
		return s.conn.Close()
	}
	return fmt.Errorf("unknown step %q", verb)
}

func (p *player) handleStep(s *socket, h *handle, rest string) error {
	request := janus.Object{"session_id": s.session, "handle_id": h.id, "transaction": p.transaction()}
	verb, args, _ := strings.Cut(rest, " ")
	switch verb {
	case "hangup", "detach":
		request["janus"] = verb
		return s.conn.Send(request)
	case "trickle":
		request["janus"], request["candidate"] = "trickle", json.RawMessage(args)
		return s.conn.Send(request)
	case "data":
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
		request["jsep"] = janus.JSEP{Type: "offer", SDP: sdp}
	case "answer":
		rest = args
		if h.peer == nil {
			h.peer = newPeer(func(text string) { s.hearData(h.id, text) })
		}
		sdp, err := h.peer.answer(h.offer)
		if err != nil {
			return err
		}
		request["jsep"] = janus.JSEP{Type: "answer", SDP: sdp}
	}
	if !json.Valid([]byte(rest)) {
		return fmt.Errorf("not JSON: %s", rest)
	}
	request["janus"], request["body"] = "message", json.RawMessage(rest)
	return s.conn.Send(request)
}

// listen waits until it is quiet and adds what was heard to step. Offers and answers go to the peers of their handles.
func (p *player) listen(ctx context.Context, step *Step) error {
	began := time.Now()
	for {
		last := began
		for _, s := range p.sockets {
			s.mu.Lock()
			if s.last.After(last) {
				last = s.last
			}
			s.mu.Unlock()
		}
		if time.Since(last) >= quiet {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(quiet - time.Since(last))
	}
	for name, s := range p.sockets {
		s.mu.Lock()
		messages := s.heard
		s.heard = nil
		s.mu.Unlock()
		for _, m := range messages {
			if err := s.takeJSEP(m); err != nil {
				return err
			}
			plain, err := p.comparable(m.Raw)
			if err != nil {
				return err
			}
			step.Heard[name] = append(step.Heard[name], plain)
		}
		sortByText(step.Heard[name])
	}
	return nil
}

func (s *socket) takeJSEP(m janus.Message) error {
	if m.JSEP == nil {
		return nil
	}
	for _, h := range s.handles {
		if h.id != m.Sender {
			continue
		}
		if m.JSEP.Type == "offer" {
			h.offer = m.JSEP.SDP
			return nil
		}
		return h.peer.accept(m.JSEP.SDP)
	}
	return nil
}
