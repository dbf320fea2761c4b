package media

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func (e *endpoint) feed() string { return "call " + e.id.String() }

func (e *endpoint) party() *mediav1.Party { return &mediav1.Party{Peer: e.id, Feed: e.feed()} }

// call passes an offer of e's to another endpoint, and the other's answer back.
func (e *endpoint) call(to *endpoint, options ...*webrtc.OfferOptions) *mediav1.PassAnswerResponse {
	e.t.Helper()
	to.remote(webrtc.SDPTypeOffer, e.passOffer(to, e.offer(options...)))
	answer := to.description(func() (webrtc.SessionDescription, error) { return to.CreateAnswer(nil) })
	agreed, err := e.s.api.PassAnswer(e.t.Context(), &mediav1.PassAnswerRequest{CommandId: newCommand(), From: to.id, To: e.id, Sdp: answer})
	if err != nil {
		e.t.Fatal(err)
	}
	e.remote(webrtc.SDPTypeAnswer, agreed.GetSdp())
	return agreed
}

func (e *endpoint) passOffer(to *endpoint, offer string) string {
	e.t.Helper()
	passed, err := e.s.api.PassOffer(e.t.Context(), &mediav1.PassOfferRequest{CommandId: newCommand(), From: e.party(), To: to.party(), Sdp: offer})
	if err != nil {
		e.t.Fatal(err)
	}
	return passed.GetSdp()
}

// playing has an endpoint send audio and video.
func (e *endpoint) playing() (audio, video *sample) {
	audio, video = e.send(webrtc.MimeTypeOpus, "a"), e.send(webrtc.MimeTypeVP8, "v")
	audio.play(e.t, 20*time.Millisecond)
	video.play(e.t, 10*time.Millisecond)
	return audio, video
}

// conversation is two endpoints that hear and see each other.
func conversation(t *testing.T) (s *system, al, bo *endpoint, heard [2][]*received) {
	s = start(t)
	al, bo = s.dial(), s.dial()
	for _, e := range []*endpoint{al, bo} {
		e.playing()
	}
	agreed := al.call(bo)
	for _, streams := range [][]*mediav1.PublishedStream{agreed.GetFromStreams(), agreed.GetToStreams()} {
		if len(streams) != 2 || streams[0].GetCodec() != "opus" || streams[1].GetCodec() != "vp8" || streams[0].GetMid() != "0" {
			t.Errorf("streams %v", streams)
		}
	}
	for i, e := range []*endpoint{al, bo} {
		s.awaitUp(e.id)
		for range 2 {
			heard[i] = append(heard[i], e.track())
		}
		for _, track := range heard[i] {
			track.next(t)
		}
	}
	return s, al, bo, heard
}

func TestTwoEndpointsCallEachOther(t *testing.T) {
	t.Parallel()
	s, al, bo, heard := conversation(t)
	for i, tracks := range heard {
		for _, track := range tracks {
			flows(t, track)
			if track.StreamID() != "stream" {
				t.Errorf("endpoint %d has %q", i, track.StreamID())
			}
		}
	}
	off := false
	if _, err := s.api.UpdatePublisher(t.Context(), &mediav1.UpdatePublisherRequest{
		Peer: al.id, Streams: []*mediav1.StreamState{{Mid: "0", Relay: &off}, {Mid: "1", Relay: &off}},
	}); err != nil {
		t.Fatal(err)
	}
	silent := func(r *received) bool {
		drainPackets(r)
		select {
		case <-r.packets:
			return false
		case <-time.After(300 * time.Millisecond):
			return true
		}
	}
	for _, track := range heard[1] {
		for deadline := time.Now().Add(patience); !silent(track); {
			if time.Now().After(deadline) {
				t.Fatal("what is not to be relayed still comes")
			}
		}
	}
	flows(t, heard[0][0])

	if _, err := s.api.ClosePeer(t.Context(), &mediav1.ClosePeerRequest{Peer: bo.id, Reason: "Close PC"}); err != nil {
		t.Fatal(err)
	}
	s.awaitClosed(bo.id, "Close PC")
}

func TestACallIsNegotiatedAnewFromBothSides(t *testing.T) {
	t.Parallel()
	_, al, bo, heard := conversation(t)
	before := attribute(al.RemoteDescription().SDP, "ice-ufrag")
	al.call(bo, &webrtc.OfferOptions{ICERestart: true})
	if attribute(al.RemoteDescription().SDP, "ice-ufrag") == before {
		t.Error("the same credentials again")
	}
	flows(t, heard[0][1])
	flows(t, heard[1][1])

	more := bo.send(webrtc.MimeTypeVP8, "screen")
	more.play(t, 10*time.Millisecond)
	agreed := bo.call(al)
	if n := len(agreed.GetToStreams()); n != 3 {
		t.Errorf("%d m= sections", n)
	}
	flows(t, al.track())
	flows(t, heard[0][1])
	flows(t, heard[1][1])
}

func TestCallsPassMessagesOnTheirChannels(t *testing.T) {
	t.Parallel()
	s := start(t)
	al, bo := s.dial(), s.dial()
	dc, messages, open := al.channel("chat")
	got := make(chan *webrtc.DataChannel, 1)
	heard := make(chan webrtc.DataChannelMessage, 1000)
	bo.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) { heard <- m })
		dc.OnOpen(func() { got <- dc })
	})
	al.call(bo)
	s.awaitUp(al.id)
	s.awaitUp(bo.id)
	await(t, "open channel", open)
	var back *webrtc.DataChannel
	for deadline := time.Now().Add(patience); back == nil; { // what comes before the other's association is up is lost
		if err := dc.SendText("hello"); err != nil {
			t.Fatal(err)
		}
		select {
		case back = <-got:
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("no channel")
		}
	}
	if back.Label() != "chat" {
		t.Errorf("channel %q", back.Label())
	}
	if m := await(t, "message", heard); string(m.Data) != "hello" || !m.IsString {
		t.Errorf("got %+v", m)
	}
	if err := back.Send([]byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	if m := await(t, "message", messages); string(m.Data) != "\x01\x02" || m.IsString {
		t.Errorf("got %+v", m)
	}
}

func TestKeyframesAreAskedOfTheOtherEndpoint(t *testing.T) {
	t.Parallel()
	s := start(t)
	al, bo := s.dial(), s.dial()
	video := al.send(webrtc.MimeTypeVP8, "v")
	video.every = 1 << 30
	al.call(bo)
	video.play(t, 10*time.Millisecond)
	track := bo.track()
	track.next(t) // begins with a key frame
	ask := func() int { video.mu.Lock(); defer video.mu.Unlock(); return len(video.plis) }
	asked := ask()
	for deadline := time.Now().Add(patience); ask() == asked; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody asked")
		}
		if err := bo.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheOtherEndpointChoosesALayer(t *testing.T) {
	t.Parallel()
	s := start(t)
	al, bo := s.dial(), s.dial()
	write := al.sendLayers()
	agreed := al.call(bo)
	if st := agreed.GetToStreams()[0]; !st.GetSimulcast() {
		t.Fatalf("no simulcast: %v\n%s", st, agreed.GetSdp())
	}
	s.awaitUp(al.id)
	s.awaitUp(bo.id)
	every(t, 10*time.Millisecond, write)
	track := bo.track()
	for substream, rid := range []byte("lmh") {
		slot := slotFor("0", al.feed(), "0", "vp8")
		slot.Layers = &mediav1.Layers{Substream: uint32(substream), Temporal: 2}
		if _, err := s.api.UpdateSubscriber(t.Context(), &mediav1.UpdateSubscriberRequest{Peer: bo.id, Slots: []*mediav1.Slot{slot}}); err != nil {
			t.Fatal(err)
		}
		s.await(bo.id, "layer", func(e *busv1.PeerEvent) bool {
			return e.GetLayer() != nil && e.GetLayer().Substream != nil && e.GetLayer().GetSubstream() == int32(substream)
		})
		for deadline := time.Now().Add(patience); ; {
			if p := track.next(t); p.Payload[len(p.Payload)-1] == rid {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("no packet of layer %c", rid)
			}
		}
	}
}

func TestPassedOffersAndAnswersAreRepeatedAndRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	al, bo := s.dial(), s.dial()
	al.send(webrtc.MimeTypeOpus, "a")
	offer := &mediav1.PassOfferRequest{CommandId: newCommand(), From: al.party(), To: bo.party(), Sdp: al.offer()}
	var told []string
	for range 2 {
		r, err := s.api.PassOffer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, r.GetSdp())
	}
	if told[0] != told[1] {
		t.Errorf("first\n%s\nthen\n%s", told[0], told[1])
	}
	refused := func(what string, want fault.Reason, err error) {
		t.Helper()
		if got := fault.Of(fault.FromStatus(err)); err == nil || got != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	_, err := s.api.PassOffer(t.Context(), &mediav1.PassOfferRequest{CommandId: newCommand(), From: al.party(), To: bo.party(), Sdp: "v=0"})
	refused("an offer that is none", fault.InvalidSDP, err)

	bo.remote(webrtc.SDPTypeOffer, told[1])
	answer := &mediav1.PassAnswerRequest{
		CommandId: newCommand(), From: bo.id, To: al.id,
		Sdp: bo.description(func() (webrtc.SessionDescription, error) { return bo.CreateAnswer(nil) }),
	}
	_, err = s.api.PassAnswer(t.Context(), &mediav1.PassAnswerRequest{CommandId: newCommand(), From: al.id, To: bo.id, Sdp: answer.GetSdp()})
	refused("an answer from who has asked", fault.UnexpectedAnswer, err)
	_, err = s.api.PassAnswer(t.Context(), &mediav1.PassAnswerRequest{CommandId: newCommand(), From: bo.id, To: newPeer(), Sdp: answer.GetSdp()})
	refused("an answer to nobody", fault.NoSuchPeer, err)
	told = nil
	for range 2 {
		r, err := s.api.PassAnswer(t.Context(), answer)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, r.GetSdp())
	}
	if told[0] != told[1] {
		t.Errorf("first\n%s\nthen\n%s", told[0], told[1])
	}
	if r, err := s.api.PassOffer(t.Context(), offer); err != nil || r.GetSdp() == "" {
		t.Errorf("a late repeat: %v", err)
	}
	_, err = s.api.PassAnswer(t.Context(), &mediav1.PassAnswerRequest{CommandId: newCommand(), From: bo.id, To: al.id, Sdp: answer.GetSdp()})
	refused("a second answer", fault.UnexpectedAnswer, err)
}

// What was all that the other endpoint got goes away, and something else comes, in one negotiation.
func TestACallGoesOnWithOtherStreams(t *testing.T) {
	t.Parallel()
	for range 4 { // handles, and with them workers, are different each time
		s := start(t)
		al, bo := s.dial(), s.dial()
		al.send(webrtc.MimeTypeOpus, "a").play(t, 20*time.Millisecond)
		al.call(bo)
		flows(t, bo.track())
		if err := al.RemoveTrack(al.GetSenders()[0]); err != nil {
			t.Fatal(err)
		}
		al.send(webrtc.MimeTypeVP8, "v").play(t, 10*time.Millisecond)
		al.call(bo)
		flows(t, bo.track())
	}
}

func TestEachPartyOfACallIsRecordedByItself(t *testing.T) {
	t.Parallel()
	s, dir := recordingNode(t)
	al, bo := s.dial(), s.dial()
	for _, e := range []*endpoint{al, bo} {
		e.playing()
	}
	al.call(bo)
	al.record(&mediav1.Recording{Base: "al", Take: 1, Unnumbered: true})
	bo.record(&mediav1.Recording{Base: "bo", Take: 1, Unnumbered: true})
	for _, name := range []string{"al-audio", "al-video", "bo-audio", "bo-video"} {
		grown(t, filepath.Join(dir, name+".mjr"), 500)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if r := readRecording(t, filepath.Join(dir, "al-video.mjr")); r.header.Codec != "vp8" || r.header.Type != "v" {
		t.Errorf("header %+v", r.header)
	}
}
