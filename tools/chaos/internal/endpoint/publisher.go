package endpoint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/cardea-rtc/cardea/tools/internal/synth"
)

const videoBps = 200_000

// Publisher sends sound and pictures.
type Publisher struct {
	*transport
	sound, pictures uint32 // SSRCs
	key             atomic.Bool
	history         history
	sending         sync.WaitGroup
	stop            chan struct{}
}

// NewPublisher opens one; Close ends it.
func NewPublisher(certificate *Certificate) (*Publisher, error) {
	p := &Publisher{sound: rand.Uint32() | 1, pictures: rand.Uint32() | 1, stop: make(chan struct{})}
	var err error
	p.transport, err = newTransport(certificate, p.heed)
	return p, err
}

// Offer is its SDP.
func (p *Publisher) Offer() string {
	return offer(p.local, p.certificate.fingerprint, p.sound, p.pictures)
}

// Answered goes on with the server's answer, and returns when media is sent.
func (p *Publisher) Answered(ctx context.Context, sdp string) error {
	r, err := readSDP(sdp)
	if err != nil {
		return err
	}
	if err := p.connect(ctx, r); err != nil {
		return err
	}
	select {
	case <-p.up:
	case <-ctx.Done():
		return fmt.Errorf("ICE and DTLS: %w", ctx.Err())
	}
	p.sending.Go(p.sendSound)
	p.sending.Go(p.sendPictures)
	return nil
}

// heed makes the next picture a key frame when somebody wants one.
func (p *Publisher) heed(packets []rtcp.Packet) {
	for _, packet := range packets {
		switch packet := packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			p.key.Store(true)
		case *rtcp.TransportLayerNack:
			p.repeat(packet)
		}
	}
}

func (p *Publisher) sendSound() {
	h := rtp.Header{Version: 2, PayloadType: opusType, SSRC: p.sound, SequenceNumber: uint16(rand.Uint32() >> 17)}
	var o synth.Opus
	p.every(synth.OpusInterval, func(n uint32) {
		h.Timestamp = n * synth.OpusClockRate / uint32(time.Second/synth.OpusInterval)
		h.SequenceNumber++
		p.send(&h, o.AppendPacket(nil, 0, synth.Stamp{Counter: n}))
	})
}

func (p *Publisher) sendPictures() {
	h := rtp.Header{Version: 2, PayloadType: vp8Type, SSRC: p.pictures, SequenceNumber: uint16(rand.Uint32() >> 17)}
	v := synth.NewVP8(videoBps)
	p.key.Store(true)
	p.every(time.Second/synth.FrameRate, func(n uint32) {
		h.Timestamp = n * synth.VideoClockRate / synth.FrameRate
		packets := v.Next(p.key.Swap(false))
		for i := range packets {
			h.SequenceNumber++
			h.Marker = i == packets-1
			p.send(&h, v.AppendPacket(nil, i, synth.Stamp{Counter: n}))
		}
	})
}

// every calls f with how many periods have passed, once for each.
func (p *Publisher) every(period time.Duration, f func(n uint32)) {
	start := time.Now()
	for n := uint32(0); ; n++ {
		select {
		case <-time.After(time.Until(start.Add(time.Duration(n) * period))):
			f(n)
		case <-p.stop:
			return
		}
	}
}

func (p *Publisher) send(h *rtp.Header, payload []byte) {
	b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	if err != nil {
		return
	}
	if h.SSRC == p.pictures {
		p.history.keep(h.SequenceNumber, b)
	}
	p.sendRTP(b)
}

// repeat sends pictures again that did not arrive, as they were (RFC 4585, section 6.2.1). Called while the transport's lock is
// held, so it must not wait for that.
func (p *Publisher) repeat(n *rtcp.TransportLayerNack) {
	if n.MediaSSRC != p.pictures {
		return
	}
	for _, pair := range n.Nacks {
		for _, seq := range pair.PacketList() {
			if b := p.history.find(seq); b != nil {
				p.sealAndSend(b)
			}
		}
	}
}

// Seen is what came from the server: reports, of which there are no gaps.
func (p *Publisher) Seen() Seen { return p.see(time.Now()) }

// Reset forgets what was seen.
func (p *Publisher) Reset() { p.reset() }

// Close ends sending.
func (p *Publisher) Close() {
	close(p.stop)
	p.sending.Wait()
	p.close()
}
