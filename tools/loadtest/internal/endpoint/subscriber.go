package endpoint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"

	"github.com/cardea-rtc/cardea/tools/internal/dtlssrtp"
	"github.com/cardea-rtc/cardea/tools/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/internal/receive"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/janus"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/tally"
)

// Delivery is what all subscribers of a run count together.
type Delivery struct {
	Packets    atomic.Uint64 // that came, each once
	Verified   atomic.Uint64 // of all that came, those that were decrypted and read
	Padding    atomic.Uint64 // that bring nothing, but probe for bandwidth
	Renumbered atomic.Uint64 // verified packets before which their stream's numbers had shifted
	Foreign    atomic.Uint64 // verified packets that are not of the stream they came in, or not authentic
	Latency    histogram.Histogram
	Measure    atomic.Bool // latency, of verified packets, is recorded only while this is set
}

// Subscriber is one endpoint that receives feeds over one ICE and DTLS transport. It has no PeerConnection: packets
// are read by the server's poller, and most of them only as far as their headers.
type Subscriber struct {
	*session
	Tallies map[synth.StreamID]*tally.Tally // of each stream that is to come; the map is fixed

	delivery *Delivery
	repair   bool
	ssrc     uint32
	asked    time.Duration // when join was sent
	socket   *receive.Socket
	wire     *dtlssrtp.Wire
	media    chan struct{} // closed at the first packet
	waited   time.Duration // from join until then; set before media is closed
	serving  sync.WaitGroup

	// What follows belongs to whoever holds the socket's lock: the poller, and who uses socket.Do.
	offer                           *offer
	ice                             *connectivity  // nil until there is an offer
	keys                            *dtlssrtp.Keys // nil until DTLS is through
	early                           []early
	streams                         map[uint32]*inbound // by SSRC
	transport                       *twcc.Recorder
	plain                           [receiveMTU]byte
	hasMedia                        bool
	reported, repaired, transported time.Duration // when
}

// Subscribe joins a room for feeds, which have streams, and returns when the first packet has come.
func (s *Server) Subscribe(ctx context.Context, room ID, feeds []ID, streams []synth.StreamID, d *Delivery) (*Subscriber, error) {
	e, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	sub := &Subscriber{
		session: e, Tallies: map[synth.StreamID]*tally.Tally{}, delivery: d, repair: s.reception.Repair, ssrc: rand.Uint32(),
		media: make(chan struct{}), streams: map[uint32]*inbound{},
	}
	sub.transport = twcc.NewRecorder(sub.ssrc)
	for _, id := range streams {
		sub.Tallies[id] = &tally.Tally{}
	}
	if sub.socket, err = s.poller.Open(sub); err != nil {
		e.close()
		return nil, err
	}
	sub.wire = dtlssrtp.NewWire(sub.sendSelected)
	if err := sub.subscribe(ctx, s, room, feeds); err != nil {
		sub.Close()
		return nil, err
	}
	return sub, nil
}

func (s *Subscriber) subscribe(ctx context.Context, server *Server, room ID, feeds []ID) error {
	wanted := make([]janus.Object, len(feeds))
	for i, feed := range feeds {
		wanted[i] = janus.Object{"feed": feed}
	}
	s.asked = server.clock.Now()
	var attached struct{ Videoroom string }
	jsep, err := s.request(ctx, janus.Object{"request": "join", "ptype": "subscriber", "room": room, "streams": wanted}, nil, &attached)
	if err != nil {
		return err
	}
	if jsep == nil {
		return errors.New("join: the server sent no offer")
	}
	offer, err := readOffer(jsep.SDP)
	if err != nil {
		return err
	}
	local := newCredentials()
	ice := newConnectivity(local, offer, s.socket.Send)
	s.socket.Do(func() { s.offer, s.ice = offer, ice })
	s.serving.Go(func() { s.serve(ctx, server, ice, offer.fingerprint) })

	address, err := localAddress(offer.candidates[0])
	if err != nil {
		return err
	}
	answer := offer.answer(local, server.fingerprint, netip.AddrPortFrom(address, s.socket.Port()), s.repair)
	var started struct{ Started string }
	if _, err := s.request(ctx, janus.Object{"request": "start"}, &janus.JSEP{Type: "answer", SDP: answer}, &started); err != nil {
		return err
	}
	select {
	case <-s.media:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no media came, %s: %w", s.progress(), ctx.Err())
	}
}

// serve shakes hands as soon as there is a path, and then waits for the server to close. ctx bounds the handshake.
func (s *Subscriber) serve(ctx context.Context, server *Server, ice *connectivity, fingerprint string) {
	select {
	case <-ice.found:
	case <-ctx.Done():
		return
	}
	conn, keys, err := dtlssrtp.ShakeHands(ctx, s.wire, server.certificate, fingerprint)
	if err != nil {
		s.lose(err)
		return
	}
	s.socket.Do(func() { s.secure(keys) })
	for b := make([]byte, receiveMTU); ; {
		if _, err := conn.Read(b); err != nil {
			_ = conn.Close()
			return
		}
	}
}

// sendSelected sends a DTLS record.
func (s *Subscriber) sendSelected(b []byte) { s.socket.Send(b, s.ice.selected) }

// progress tells how far a subscriber has come, for people.
func (s *Subscriber) progress() (state string) {
	s.socket.Do(func() {
		switch {
		case s.ice == nil || !s.ice.selected.IsValid():
			state = "ICE has found no path"
		case s.keys == nil:
			state = "DTLS is not through"
		default:
			state = "DTLS is through"
		}
	})
	return state
}

// JoinToFirstPacket is the time from when join was sent to when the first packet came.
func (s *Subscriber) JoinToFirstPacket() time.Duration { return s.waited }

// Profile names the SRTP profile, "" before there is one.
func (s *Subscriber) Profile() (name string) {
	s.socket.Do(func() {
		if s.keys != nil {
			name = s.keys.Profile
		}
	})
	return name
}

// Close leaves.
func (s *Subscriber) Close() {
	s.close()
	_ = s.wire.Close()
	s.serving.Wait()
	s.socket.Close()
}
