package transport

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/dtls/v3"
	"github.com/pion/sctp"
	"github.com/pion/stun/v4"
)

// roaming is an endpoint's socket. What is not STUN is DTLS's, to wherever the endpoint has chosen to send.
type roaming struct {
	*net.UDPConn
	t *testing.T

	mu      sync.Mutex
	to      net.Addr
	records []uint64 // numbers of those that came, of all nodes
	answers chan struct{}
}

func (r *roaming) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.UDPConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if stun.IsMessage(b[:n]) {
			select {
			case r.answers <- struct{}{}:
			default:
			}
			continue
		}
		if number, ok := lastRecord(b[:n]); ok {
			r.mu.Lock()
			r.records = append(r.records, number)
			r.mu.Unlock()
		}
		return n, r.address(), nil
	}
}

func (r *roaming) address() net.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.to
}

func (r *roaming) WriteTo(b []byte, _ net.Addr) (int, error) {
	return r.UDPConn.WriteTo(b, r.address())
}

// choose has the endpoint go to another node.
func (r *roaming) choose(to net.Addr, c Credentials) {
	r.t.Helper()
	r.mu.Lock()
	r.to = to
	r.mu.Unlock()
	if _, err := r.UDPConn.WriteTo(check(r.t, c, useCandidate), to); err != nil {
		r.t.Fatal(err)
	}
}

// hearer is a Handler for data channels.
type hearer struct {
	listener
	up, gone chan struct{}
	messages chan Message
	changed  chan struct{}
}

func newHearer() *hearer {
	return &hearer{
		up: make(chan struct{}), gone: make(chan struct{}), messages: make(chan Message, 4096), changed: make(chan struct{}, 64),
	}
}

func (h *hearer) Up(time.Duration) { close(h.up) }
func (h *hearer) Closed(string)    { close(h.gone) }
func (h *hearer) ChannelsChanged() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}
func (h *hearer) Data(m Message, _ time.Duration) {
	m.Data = slices.Clone(m.Data)
	h.messages <- m
}

const patience = 20 * time.Second

func await[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("no " + what)
		panic("unreachable")
	}
}

// talking is an endpoint with an association, and its peer on a node.
type talking struct {
	t           *testing.T
	socket      *roaming
	dtls        *dtls.Conn
	association *sctp.Association
	worker      *Worker
	peer        *Peer
	hearer      *hearer
}

// talk has an endpoint connect to a node of its own, as DTLS client or server.
func talk(t *testing.T, client bool) *talking {
	t.Helper()
	conn, _ := far(t)
	e := &talking{t: t, socket: &roaming{UDPConn: conn, t: t, answers: make(chan struct{}, 1)}, hearer: newHearer()}
	e.worker = runningGroup(t, Config{Workers: 1}).workers[0]
	cert, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	e.on(func(now time.Duration) {
		e.peer = e.worker.NewPeer(e.hearer, slog.New(slog.DiscardHandler))
		e.peer.AllowData()
		e.peer.Start(Remote{Fingerprint: cert.fingerprint, Client: !client}, now)
	})
	to := e.worker.group.address()
	e.socket.to = to
	shared := []dtls.Option{
		dtls.WithCertificates(cert.tls), dtls.WithInsecureSkipVerify(true), dtls.WithFlightInterval(100 * time.Millisecond),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), dtls.WithLoggerFactory(quiet()),
	}
	if client {
		var options []dtls.ClientOption
		for _, o := range shared {
			options = append(options, o)
		}
		e.dtls, err = dtls.ClientWithOptions(e.socket, to, options...)
	} else {
		options := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithInsecureSkipVerifyHello(true)}
		for _, o := range shared {
			options = append(options, o)
		}
		e.dtls, err = dtls.ServerWithOptions(e.socket, to, options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	e.socket.choose(to, e.peer.Credentials())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := e.dtls.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, "keys", e.hearer.up)
	if e.association, err = sctp.ClientContext(ctx, sctp.WithNetConn(e.dtls), sctp.WithLoggerFactory(quiet())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.association.Close(); _ = e.dtls.Close() })
	return e
}

// on runs f on the goroutine of the node that has the peer.
func (e *talking) on(f func(now time.Duration)) {
	e.t.Helper()
	if err := e.worker.Do(e.t.Context(), f); err != nil {
		e.t.Fatal(err)
	}
}

func (e *talking) open(id uint16, kind datachannel.ChannelType, label string) *datachannel.DataChannel {
	e.t.Helper()
	opened, err := datachannel.Dial(e.association, id, &datachannel.Config{ChannelType: kind, Label: label, LoggerFactory: quiet()})
	if err != nil {
		e.t.Fatal(err)
	}
	await(e.t, "change of channels", e.hearer.changed)
	return opened
}

// accept takes the next channel that the node opens.
func (e *talking) accept(label string) *datachannel.DataChannel {
	e.t.Helper()
	defer time.AfterFunc(patience, func() { _ = e.association.Close() }).Stop()
	stream, err := e.association.AcceptStream()
	if err != nil {
		e.t.Fatal(err)
	}
	opened, err := datachannel.Server(stream, &datachannel.Config{LoggerFactory: quiet()})
	if err != nil || opened.Label != label {
		e.t.Fatalf("opened %+v, not %q: %v", opened, label, err)
	}
	await(e.t, "change of channels", e.hearer.changed)
	return opened
}

func (e *talking) export() State {
	e.t.Helper()
	var s State
	var err error
	e.on(func(time.Duration) { s, err = e.peer.Export(nil, nil) })
	if err != nil {
		e.t.Fatal(err)
	}
	b, err := json.Marshal(&s)
	if err != nil {
		e.t.Fatal(err)
	}
	s = State{}
	if err := json.Unmarshal(b, &s); err != nil {
		e.t.Fatal(err)
	}
	return s
}

// move has another node go on with the peer. dead: from the state given, and the node that has it until now just stops.
func (e *talking) move(dead *State) {
	e.t.Helper()
	before, last := e.worker, e.peer
	first := e.export()
	if dead != nil {
		first = *dead
	}
	e.worker, e.hearer = runningGroup(e.t, Config{Workers: 1}).workers[0], newHearer()
	arrived := make(chan struct{}, 1)
	var err error
	e.on(func(time.Duration) {
		if e.peer, err = e.worker.Adopt(e.hearer, first, func() { arrived <- struct{}{} }, slog.New(slog.DiscardHandler)); err == nil {
			e.peer.AllowData()
		}
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.socket.choose(e.worker.group.address(), first.Credentials)
	await(e.t, "arrival", arrived)
	state := first
	if doErr := before.Do(e.t.Context(), func(time.Duration) {
		if dead == nil {
			if state, err = last.Export(nil, nil); err == nil {
				last.Withdraw(&state)
			}
		}
		last.Leave()
	}); doErr != nil || err != nil {
		e.t.Fatal(doErr, err)
	}
	e.on(func(time.Duration) { e.peer.Continue(state) })
}

// says has a channel of the endpoint's say something, and sees that the node hears it.
func (e *talking) says(c *datachannel.DataChannel, label, text string) {
	e.t.Helper()
	if _, err := c.WriteDataChannel([]byte(text), true); err != nil {
		e.t.Fatal(err)
	}
	if m := await(e.t, "message "+text, e.hearer.messages); m.Label != label || !m.Text || string(m.Data) != text {
		e.t.Errorf("heard %q on %q, said %q on %q", m.Data, m.Label, text, label)
	}
}

func (e *talking) send(label, text string) {
	e.on(func(time.Duration) { e.peer.SendData(Message{Label: label, Text: true, Data: []byte(text)}) })
}

// hears has the node say something, and sees that it comes on a channel of the endpoint's.
func (e *talking) hears(c *datachannel.DataChannel, label, text string) {
	e.t.Helper()
	e.send(label, text)
	e.next(c, text)
}

// next sees that text is what comes next on a channel of the endpoint's.
func (e *talking) next(c *datachannel.DataChannel, text string) {
	e.t.Helper()
	defer time.AfterFunc(patience, func() { _ = e.association.Close() }).Stop()
	b := make([]byte, 2048)
	if n, _, err := c.ReadDataChannel(b); err != nil || string(b[:n]) != text {
		e.t.Fatalf("heard %q on %q, not %q: %v", b[:n], c.Label, text, err)
	}
}

// settled waits until both sides have an association after a move: it shows by a message that comes.
func (e *talking) settled(c *datachannel.DataChannel, label string) {
	e.t.Helper()
	e.hears(c, label, "settled")
}

func TestDataChannelsGoOnWithAnotherNode(t *testing.T) {
	for _, client := range []bool{true, false} {
		t.Run(fmt.Sprintf("endpoint is DTLS client %t", client), func(t *testing.T) {
			e := talk(t, client)
			var id uint16
			if !client {
				id = 1
			}
			one, two := e.open(id, datachannel.ChannelTypeReliable, "one"), e.open(id+2, datachannel.ChannelTypePartialReliableRexmitUnordered, "two")
			e.says(one, "one", "a")
			e.says(two, "two", "b")
			e.hears(one, "one", "c")
			for i := range 3 {
				var dead *State
				if i == 1 { // a value that is not the last
					s := e.export()
					dead = &s
					e.says(one, "one", "after the value")
					e.hears(two, "two", "after the value")
				}
				e.move(dead)
				e.settled(one, "one")
				e.says(one, "one", fmt.Sprint("d", i))
				e.says(two, "two", fmt.Sprint("e", i))
				e.hears(one, "one", fmt.Sprint("f", i))
				e.hears(two, "two", fmt.Sprint("g", i))
				state := e.export()
				if n := len(state.Data.Channels); n != 2 || state.Data.Channels[1].Type != uint8(datachannel.ChannelTypePartialReliableRexmitUnordered) {
					t.Errorf("channels: %+v", state.Data.Channels)
				}
			}
			// A channel that the node opens gets a stream that was not used before, which the endpoint takes.
			e.send("new", "hello")
			if opened := e.accept("new"); opened.StreamIdentifier()%2 == id%2 {
				t.Errorf("opened on stream %d", opened.StreamIdentifier())
			}
			e.noRecordTwice()
		})
	}
}

// noRecordTwice sees that no number of a record was used twice.
func (e *talking) noRecordTwice() {
	e.t.Helper()
	e.socket.mu.Lock()
	defer e.socket.mu.Unlock()
	all := slices.Sorted(slices.Values(e.socket.records))
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) {
		e.t.Errorf("%d of %d records have numbers of others", len(all)-len(unique), len(all))
	}
}

func TestWhatWaitsGoesAlong(t *testing.T) {
	e := talk(t, true)
	c := e.open(0, datachannel.ChannelTypeReliable, "one")
	e.hears(c, "one", "first")
	// Held as in a move, messages wait.
	e.on(func(time.Duration) { e.peer.HoldData(true) })
	for i := range 100 {
		e.send("one", fmt.Sprint(i))
	}
	e.move(nil)
	for i := range 100 {
		e.next(c, fmt.Sprint(i))
	}
}

func TestRecordsKeepToTheirBound(t *testing.T) {
	e := talk(t, true)
	c := e.open(0, datachannel.ChannelTypeReliable, "one")
	e.hears(c, "one", "first")
	bound := e.peer.dtls.next.Load() + 1
	e.peer.BoundRecords(bound)
	for range 5 {
		e.send("one", "beyond")
	}
	time.Sleep(300 * time.Millisecond)
	if next := e.peer.dtls.next.Load(); next > bound {
		t.Errorf("record %d was sent, bound %d", next-1, bound)
	}
	e.peer.BoundRecords(unbounded)
	e.next(c, "beyond")
}

func TestAStateThatMakesNoSenseIsRefused(t *testing.T) {
	e := talk(t, true)
	e.open(0, datachannel.ChannelTypeReliable, "one")
	for name, spoil := range map[string]func(s *State){
		"secret":  func(s *State) { s.Connection.MasterSecret = nil },
		"random":  func(s *State) { s.Connection.Local = s.Connection.Local[1:] },
		"suite":   func(s *State) { s.Connection.CipherSuite = 0 },
		"number":  func(s *State) { s.Connection.Next = 1 << 48 },
		"streams": func(s *State) { s.Data.Channels = append(s.Data.Channels, s.Data.Channels[0]) },
		"kind":    func(s *State) { s.Data.Channels[0].Type = 3 },
		"names":   func(s *State) { s.Data.Channels[0].Label = make([]byte, maxNames+1) },
		"many":    func(s *State) { s.Data.Channels = make([]ChannelState, maxChannels+1) },
		"message": func(s *State) { s.Data.Waiting = []WaitingMessage{{Data: make([]byte, MaxMessage+1)}} },
	} {
		s := e.export()
		spoil(&s)
		there := idleWorker(t)
		if _, err := there.Adopt(&listener{}, s, func() {}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzAdoptedState(f *testing.F) {
	f.Add([]byte(`{"Connection":{"CipherSuite":49195,"MasterSecret":"AAAA","Local":"AAAA","Remote":"AAAA","Next":5},"Data":{"Associated":true,"Channels":[{"Stream":0,"Label":"YQ==","Type":130}]}}`))
	f.Add([]byte(`{"Data":{"Waiting":[{"Label":"YQ==","Data":"YQ=="}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		if json.Unmarshal(b, &s) != nil || s.Data.check() != nil {
			return
		}
		if c := newChannels(); len(s.Data.Channels) > 0 || len(s.Data.Waiting) > 0 {
			c.adopt(&s.Data)
			used := newStreams(s.Client)
			for _, one := range c.all {
				used.take(one.state.Stream)
			}
			if id, _ := used.takeFree(); slices.ContainsFunc(s.Data.Channels, func(other ChannelState) bool { return other.Stream == id }) {
				t.Errorf("stream %d is taken twice", id)
			}
			if got, err := c.carried(); err == nil && len(got.Channels) != len(s.Data.Channels) {
				t.Errorf("%d channels of %d", len(got.Channels), len(s.Data.Channels))
			}
		}
		if s.Connection == nil {
			return
		}
		if _, err := s.Connection.state(s.Client, s.Profile); err == nil && s.Connection.Next >= mostRecords {
			t.Error("a number is taken that is too high")
		}
	})
}

func FuzzLastRecord(f *testing.F) {
	record := binary.BigEndian.AppendUint64([]byte{23, 0xfe, 0xfd}, 1<<48|77)
	f.Add(append(record, 0, 1, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if number, _ := lastRecord(b); number >= 1<<48 {
			t.Errorf("number %d", number)
		}
	})
}
