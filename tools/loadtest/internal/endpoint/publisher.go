package endpoint

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// Publisher is a feed of synthetic media.
type Publisher struct {
	*session
	Feed    ID
	Streams []*Stream // fixed once published

	pc      *webrtc.PeerConnection
	readers sync.WaitGroup // of RTCP
}

// Publish joins a room and offers video of videoBps, unless that is 0, and audio, if so told. It returns when the server
// is ready for media, which the streams' Send then sends. Video gets the number first, audio first+1.
func (s *Server) Publish(ctx context.Context, room ID, first synth.StreamID, videoBps int, audio bool) (*Publisher, error) {
	e, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	p := &Publisher{session: e}
	if p.pc, err = s.newPeerConnection(); err != nil {
		e.close()
		return nil, err
	}
	if err := p.publish(ctx, s.clock, room, first, videoBps, audio); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Publisher) publish(ctx context.Context, clock Clock, room ID, first synth.StreamID, videoBps int, audio bool) error {
	if videoBps > 0 {
		if err := p.add(newVideo(first, clock, videoBps)); err != nil {
			return err
		}
	}
	if audio {
		if err := p.add(newAudio(first+1, clock)); err != nil {
			return err
		}
	}
	var joined struct{ ID ID }
	if _, err := p.request(ctx, janus.Object{"request": "join", "ptype": "publisher", "room": room}, nil, &joined); err != nil {
		return err
	}
	p.Feed = joined.ID
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("create offer: %w", err)
	}
	sdp, err := settle(ctx, p.pc, offer)
	if err != nil {
		return err
	}
	var configured struct{ Configured string }
	answer, err := p.request(ctx, janus.Object{"request": "publish"}, &janus.JSEP{Type: "offer", SDP: sdp}, &configured)
	if err != nil {
		return err
	}
	if answer == nil {
		return errors.New("publish: the server sent no answer")
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP}); err != nil {
		return fmt.Errorf("take answer: %w", err)
	}
	select {
	case <-p.up:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("PeerConnection is %s: %w", p.pc.ConnectionState(), ctx.Err())
	}
}

func (p *Publisher) add(s *Stream, err error) error {
	if err != nil {
		return err
	}
	sender, err := p.pc.AddTrack(s.track)
	if err != nil {
		return fmt.Errorf("add track: %w", err)
	}
	p.Streams = append(p.Streams, s)
	p.readers.Go(func() { heed(s, sender) })
	return nil
}

// heed reads what the server reports of a stream, until the PeerConnection is closed.
func heed(s *Stream, sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				s.WantKey()
			}
		}
	}
}

// Close leaves.
func (p *Publisher) Close() {
	p.close()
	_ = p.pc.GracefulClose()
	p.readers.Wait()
}
