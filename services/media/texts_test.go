package media

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pion/webrtc/v4"

	protobus "github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

func TestTextsGoToRoomstateAndBack(t *testing.T) {
	t.Parallel()
	var name string
	s := start(t, func(c *Config) { name = "node of texts"; c.Name = name })
	e := s.dial()
	dc, messages, open := e.channel("JanusDataChannel")
	offer, err := s.api.MakeOffer(t.Context(), &mediav1.MakeOfferRequest{
		Peer: e.id, CommandId: newCommand(), SessionName: "x", Texts: true,
		Slots: []*mediav1.Slot{{Mid: "0", Kind: mediav1.Kind_KIND_DATA, Send: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.answer(offer.GetSdp())
	await(t, "open channel", open)

	if err := dc.Send([]byte("binary")); err != nil { // nobody's
		t.Fatal(err)
	}
	if err := dc.SendText("hello"); err != nil {
		t.Fatal(err)
	}
	heard := s.await(e.id, "text", func(e *busv1.PeerEvent) bool { return e.GetText() != nil })
	if string(heard.GetText().GetText()) != "hello" || heard.GetNode() != name {
		t.Errorf("roomstate heard %v", heard)
	}

	to := &busv1.Texts_Peer{SessionId: e.id.GetSessionId(), HandleId: e.id.GetHandleId(), Generation: e.id.GetGeneration()}
	other := proto.CloneOf(to)
	other.Generation++
	if err := protobus.Publish(s.nats, protobus.NodeTexts(name), &busv1.Texts{Texts: []*busv1.Texts_Text{
		{To: []*busv1.Texts_Peer{other}, Text: []byte("not yours")},
		{To: []*busv1.Texts_Peer{to, other}, Text: []byte("one")},
		{To: []*busv1.Texts_Peer{to}, Text: []byte("two")},
	}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if m := await[webrtc.DataChannelMessage](t, "text", messages); !m.IsString || string(m.Data) != want {
			t.Errorf("got %q, want %q", m.Data, want)
		}
	}
}
