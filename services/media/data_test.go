package media

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// channel opens a data channel and returns what comes on it.
func (e *endpoint) channel(label string) (*webrtc.DataChannel, <-chan webrtc.DataChannelMessage, <-chan struct{}) {
	e.t.Helper()
	dc, err := e.CreateDataChannel(label, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	messages, open := make(chan webrtc.DataChannelMessage, 16), make(chan struct{})
	dc.OnOpen(func() { close(open) })
	dc.OnMessage(func(m webrtc.DataChannelMessage) { messages <- m })
	return dc, messages, open
}

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

func TestMessagesReachSubscribersOnAChannelOfTheFeed(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	dc, _, open := pub.channel("whatever")
	answer := pub.publish("feed")
	if got := answer.GetStreams()[0].GetKind(); got != mediav1.Kind_KIND_DATA {
		t.Fatalf("kind %v", got)
	}
	await(t, "open channel", open)

	sub := s.dial()
	type labelled struct {
		label string
		m     webrtc.DataChannelMessage
	}
	got := make(chan labelled, 16)
	sub.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) { got <- labelled{dc.Label(), m} })
	})
	_, _, ready := sub.channel("JanusDataChannel")
	sub.subscribe(&mediav1.Slot{
		Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "feed", Label: "1234"}},
	})
	await(t, "open channel", ready)

	large := make([]byte, 60_000)
	large[len(large)-1] = 7
	if err := dc.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	if err := dc.Send(large); err != nil {
		t.Fatal(err)
	}
	if m := await(t, "text", got); m.label != "1234" || !m.m.IsString || string(m.m.Data) != "hello" {
		t.Errorf("got %+v", m)
	}
	if m := await(t, "binary", got); m.m.IsString || len(m.m.Data) != len(large) || m.m.Data[len(large)-1] != 7 {
		t.Errorf("got %d bytes", len(m.m.Data))
	}
	described := func(id *mediav1.PeerID) *mediav1.DescribePeerResponse_Data {
		d, err := s.api.DescribePeer(t.Context(), &mediav1.DescribePeerRequest{SessionId: id.GetSessionId(), HandleId: id.GetHandleId()})
		if err != nil {
			t.Fatal(err)
		}
		return d.GetData()
	}
	least := uint64(len(large))
	if d := described(pub.id); d.GetBytesReceived() <= least || d.GetPacketsReceived() < 2 || d.GetPacketsSent() == 0 || d.GetMid() != "0" {
		t.Errorf("of the publisher %v is told", d)
	}
	if d := described(sub.id); d.GetBytesSent() <= least || d.GetPacketsSent() < 2 || d.GetPacketsReceived() == 0 || d.GetMid() != "0" {
		t.Errorf("of the subscriber %v is told", d)
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	s := start(t)
	e := s.dial()
	audio, video := e.send(webrtc.MimeTypeOpus, "a"), e.send(webrtc.MimeTypeVP8, "v")
	dc, messages, open := e.channel("data")
	e.publish("", func(r *mediav1.AcceptOfferRequest) {
		r.Echo = &mediav1.Echo{Audio: true, Video: true, TextPrefix: "You wrote: "}
	})
	s.awaitUp(e.id)
	audio.play(t, 20*time.Millisecond)
	video.play(t, 10*time.Millisecond)
	for range 2 {
		e.track().next(t)
	}
	await(t, "open channel", open)
	if err := dc.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	if m := await(t, "text", messages); string(m.Data) != "You wrote: hello" || !m.IsString {
		t.Errorf("got %q", m.Data)
	}
	if err := dc.Send([]byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	if m := await(t, "binary", messages); string(m.Data) != "\x01\x02" || m.IsString {
		t.Errorf("got %q", m.Data)
	}
}

// TestEachSectionIsEchoed has one of four m= sections send at a time: it comes back in the same one.
func TestEachSectionIsEchoed(t *testing.T) {
	t.Parallel()
	s := start(t)
	e := s.dial()
	sources := []*sample{
		e.send(webrtc.MimeTypeOpus, "a"), e.send(webrtc.MimeTypeOpus, "b"), e.send(webrtc.MimeTypeVP8, "v"), e.send(webrtc.MimeTypeVP8, "w"),
	}
	e.publish("", func(r *mediav1.AcceptOfferRequest) { r.Echo = &mediav1.Echo{Audio: true, Video: true} })
	s.awaitUp(e.id)
	for i, source := range sources {
		stop := source.play(t, 10*time.Millisecond)
		track := e.track()
		track.next(t)
		if own := e.GetTransceivers()[i]; own.Receiver().Track() != track.TrackRemote {
			t.Errorf("what m= section %s sends comes back in another", own.Mid())
		}
		stop()
	}
}

func TestEchoComesWithThePlayoutDelayAskedFor(t *testing.T) {
	t.Parallel()
	const uri = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
	s := start(t)
	e := s.dial(func(d *dialing) { d.picture = []string{uri} })
	video := e.send(webrtc.MimeTypeVP8, "v")
	e.publish("", func(r *mediav1.AcceptOfferRequest) {
		r.Echo = &mediav1.Echo{Video: true, MinDelay: new(int32(1)), MaxDelay: new(int32(2))}
	})
	video.play(t, 10*time.Millisecond)
	var id uint8
	for _, x := range e.GetSenders()[0].GetParameters().HeaderExtensions {
		if x.URI == uri {
			id = uint8(x.ID)
		}
	}
	track := e.track()
	want := func(what string, delay []byte) {
		t.Helper()
		for deadline := time.Now().Add(patience); !bytes.Equal(track.next(t).GetExtension(id), delay); {
			if time.Now().After(deadline) {
				t.Fatalf("no packet with %s", what)
			}
		}
	}
	want("both bounds", []byte{0x00, 0x10, 0x02}) // 12 bits each
	if _, err := s.api.UpdatePublisher(t.Context(), &mediav1.UpdatePublisherRequest{
		Peer: e.id, Echo: &mediav1.Echo{Video: true, MinDelay: new(int32(3)), MaxDelay: new(int32(-1))},
	}); err != nil {
		t.Fatal(err)
	}
	want("one bound", []byte{0x00, 0x3f, 0xff})
}

func TestNoMessageOfABurstIsLost(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	dc, _, open := pub.channel("whatever")
	pub.publish("feed")
	await(t, "open channel", open)
	sub := s.dial()
	const messages = 3000
	got := make(chan uint16, messages)
	sub.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) { got <- binary.BigEndian.Uint16(m.Data) })
	})
	_, _, ready := sub.channel("JanusDataChannel")
	sub.subscribe(&mediav1.Slot{
		Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "feed", Label: "1234"}},
	})
	await(t, "open channel", ready)
	for i := range uint16(messages) {
		if err := dc.Send(binary.BigEndian.AppendUint16(make([]byte, 0, 1000), i)[:1000]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint16(messages) {
		if n := await(t, "message", got); n != i {
			t.Fatalf("message %d instead of %d", n, i)
		}
	}
}

func TestChannelsThatDoNotKeepUpEnd(t *testing.T) {
	t.Parallel()
	s := start(t)
	pub := s.dial()
	dc, _, open := pub.channel("whatever")
	pub.publish("feed")
	await(t, "open channel", open)
	sub := s.dial()
	stalled, ended := make(chan struct{}), make(chan struct{})
	resume := sync.OnceFunc(func() { close(stalled) })
	t.Cleanup(resume) // before the endpoint is closed, which waits for what is stalled
	sub.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(webrtc.DataChannelMessage) { <-stalled })
		dc.OnClose(func() { close(ended) })
	})
	_, _, ready := sub.channel("JanusDataChannel")
	sub.subscribe(&mediav1.Slot{
		Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true, DataSources: []*mediav1.DataSource{{Feed: "feed", Label: "1234"}},
	})
	await(t, "open channel", ready)
	message := make([]byte, 60_000)
	const counted = `cardea_media_drops_total{reason="data_queue_full"} 1`
	for range 200 { // 12 MB
		if err := dc.Send(message); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(patience); !strings.Contains(metrics(t, s), counted); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the overflow is not counted, once")
		}
	}
	resume()
	await(t, "end of the channel", ended)
}
