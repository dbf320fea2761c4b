package endpoint

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/tools/janus"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/tally"
)

// Delivery is what all subscribers of a run count together.
type Delivery struct {
	Packets atomic.Uint64 // that came, each once
	Foreign atomic.Uint64 // that are not of the stream they came in
	Latency histogram.Histogram
	Measure atomic.Bool // latency is recorded only while this is set
}

// Subscriber is one endpoint that receives feeds over one PeerConnection.
type Subscriber struct {
	*session
	Tallies map[synth.StreamID]*tally.Tally // of each stream that is to come; the map is fixed

	pc       *webrtc.PeerConnection
	clock    Clock
	delivery *Delivery
	asked    time.Duration // when join was sent
	media    chan struct{} // closed at the first packet
	waited   time.Duration // from join until then; set before media is closed

	mu      sync.Mutex
	closed  bool
	readers sync.WaitGroup // added to only while not closed
	once    sync.Once      // closes media
}

// Subscribe joins a room for feeds, which have streams, and returns when the first packet has come.
func (s *Server) Subscribe(ctx context.Context, room ID, feeds []ID, streams []synth.StreamID, d *Delivery) (*Subscriber, error) {
	e, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	sub := &Subscriber{session: e, Tallies: map[synth.StreamID]*tally.Tally{}, clock: s.clock, delivery: d, media: make(chan struct{})}
	for _, id := range streams {
		sub.Tallies[id] = &tally.Tally{}
	}
	if sub.pc, err = s.newPeerConnection(s.subscribers); err != nil {
		e.close()
		return nil, err
	}
	sub.pc.OnTrack(sub.onTrack)
	if err := sub.subscribe(ctx, room, feeds); err != nil {
		sub.Close()
		return nil, err
	}
	return sub, nil
}

func (s *Subscriber) subscribe(ctx context.Context, room ID, feeds []ID) error {
	wanted := make([]janus.Object, len(feeds))
	for i, feed := range feeds {
		wanted[i] = janus.Object{"feed": feed}
	}
	s.asked = s.clock.Now()
	var attached struct{ Videoroom string }
	offer, err := s.request(ctx, janus.Object{"request": "join", "ptype": "subscriber", "room": room, "streams": wanted}, nil, &attached)
	if err != nil {
		return err
	}
	if offer == nil {
		return errors.New("join: the server sent no offer")
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP}); err != nil {
		return fmt.Errorf("take offer: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("create answer: %w", err)
	}
	sdp, err := settle(ctx, s.pc, answer)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.readers.Go(func() { hasten(ctx, s.pc) })
	s.mu.Unlock()
	var started struct{ Started string }
	if _, err := s.request(ctx, janus.Object{"request": "start"}, &janus.JSEP{Type: "answer", SDP: sdp}, &started); err != nil {
		return err
	}
	select {
	case <-s.media:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no media came, PeerConnection is %s: %w", s.pc.ConnectionState(), ctx.Err())
	}
}

// JoinToFirstPacket is the time from when join was sent to when the first packet came.
func (s *Subscriber) JoinToFirstPacket() time.Duration { return s.waited }

func (s *Subscriber) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.readers.Go(func() { s.receive(track) })
	s.readers.Go(func() { drain(receiver) })
}

// receive counts what comes in a track until that ends.
func (s *Subscriber) receive(track *webrtc.TrackRemote) {
	read := synth.ReadVP8
	if track.Kind() == webrtc.RTPCodecTypeAudio {
		read = synth.ReadOpus
	}
	var of *tally.Tally // of the track's stream, once that is known
	var id synth.StreamID
	for buf := make([]byte, receiveMTU); ; {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		now := s.clock.Now()
		s.once.Do(func() {
			s.waited = now - s.asked
			close(s.media)
		})
		stamp, ok := read(payload(buf[:n]))
		if of == nil && ok {
			id, of = stamp.Stream, s.Tallies[stamp.Stream]
		}
		if of == nil || !ok || stamp.Stream != id {
			s.delivery.Foreign.Add(1)
			continue
		}
		if !of.Add(stamp.Counter) {
			continue
		}
		s.delivery.Packets.Add(1)
		if s.delivery.Measure.Load() {
			s.delivery.Latency.Record(now - stamp.Sent)
		}
	}
}

// drain reads what the server reports of a track, so that our own reports can refer to it.
func drain(receiver *webrtc.RTPReceiver) {
	for buf := make([]byte, receiveMTU); ; {
		if _, _, err := receiver.Read(buf); err != nil {
			return
		}
	}
}

// Close leaves.
func (s *Subscriber) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.close()
	_ = s.pc.GracefulClose()
	s.readers.Wait()
}
