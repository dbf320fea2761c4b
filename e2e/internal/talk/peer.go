package talk

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// peer is the RTCPeerConnection of one handle.
type peer struct {
	pc   *webrtc.PeerConnection
	err  error
	stop chan struct{}
	wg   sync.WaitGroup
	sent map[rune]bool
	hear func(text string) // what comes over data channels
	data *webrtc.DataChannel
	open chan struct{} // closed when data can be written to

	known map[string]bool // mids that the server has accepted media of
}

func newPeer(hear func(text string)) *peer {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	m := &webrtc.MediaEngine{}
	p := &peer{stop: make(chan struct{}), sent: map[rune]bool{}, known: map[string]bool{}, hear: hear}
	if p.err = m.RegisterDefaultCodecs(); p.err == nil {
		p.pc, p.err = webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	}
	return p
}

func (p *peer) close() {
	if p == nil || p.pc == nil {
		return
	}
	close(p.stop)
	p.wg.Wait()
	_ = p.pc.Close()
	p.pc = nil
}

// fresh says whether nothing has been negotiated yet.
func (p *peer) fresh() bool {
	return p == nil || p.pc == nil || p.pc.CurrentRemoteDescription() == nil
}

// refused says whether the last offer had no answer.
func (p *peer) refused() bool {
	return p.pc != nil && p.pc.SignalingState() == webrtc.SignalingStateHaveLocalOffer
}

// offer adds what kinds name, a for audio and v for video, A and V for a second of those, d for data, unless it is there, and returns
// a full offer.
func (p *peer) offer(kinds string) (string, error) {
	if p.err != nil {
		return "", p.err
	}
	kinds, restart := strings.CutPrefix(kinds, "restart")
	if err := p.add(kinds); err != nil {
		return "", err
	}
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return "", err
	}
	return p.settle(offer)
}

// add has what kinds name be sent.
func (p *peer) add(kinds string) error {
	for _, kind := range kinds {
		var err error
		switch kind {
		case 'a', 'A':
			err = p.send(kind, webrtc.RTPCodecTypeAudio, 960)
		case 'v', 'V':
			err = p.send(kind, webrtc.RTPCodecTypeVideo, 1800)
		case 'd':
			err = p.channel()
		default:
			err = fmt.Errorf("unknown kind %q", kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send adds a stream of that name, and feeds it a packet each 20 ms, step being what that is on the clock of its kind.
func (p *peer) send(name rune, kind webrtc.RTPCodecType, step uint32) error {
	if p.sent[name] {
		return nil
	}
	p.sent[name] = true
	track := &track{kind: kind}
	if _, err := p.pc.AddTrack(track); err != nil {
		return err
	}
	p.wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		packet := rtp.Header{Version: 2, Marker: kind == webrtc.RTPCodecTypeVideo}
		for {
			select {
			case <-tick.C:
				track.write(packet)
				packet.SequenceNumber++
				packet.Timestamp += step
			case <-p.stop:
				return
			}
		}
	})
	return nil
}

// channel opens the data channel, with the label that janus.js gives it, unless it is there.
func (p *peer) channel() error {
	if p.data != nil {
		return nil
	}
	var err error
	if p.data, err = p.pc.CreateDataChannel("JanusDataChannel", nil); err != nil {
		return err
	}
	p.open = make(chan struct{})
	p.data.OnOpen(func() { close(p.open) })
	p.data.OnMessage(func(m webrtc.DataChannelMessage) { p.hear(string(m.Data)) })
	return nil
}

// write sends a text over the data channel.
func (p *peer) write(text string) error {
	if p == nil || p.data == nil {
		return errors.New("no data channel")
	}
	select {
	case <-p.open:
		return p.data.SendText(text)
	case <-time.After(20 * time.Second):
		return errors.New("the data channel does not open")
	}
}

func (p *peer) settle(d webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	<-gathered
	return p.pc.LocalDescription().SDP, nil
}

// answer answers as a browser would that has nothing to send but what kinds name.
func (p *peer) answer(offer, kinds string) (string, error) {
	if p.err != nil {
		return "", p.err
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	if err := p.add(kinds); err != nil {
		return "", err
	}
	if strings.Contains(offer, "m=application") {
		if err := p.channel(); err != nil {
			return "", err
		}
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return p.settle(answer)
}

func (p *peer) accept(answer string) error {
	if p == nil || p.pc == nil {
		return errors.New("no offer is under way")
	}
	return p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}
