package echotest

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// endpoint is one that has a handle, and what a node is told of it.
type endpoint struct {
	room plugin.Room
	told []proto.Message // that are no questions of where
}

// send has the rule carry out a message, with an offer if jsep is not empty.
func (e *endpoint) send(t *testing.T, body, jsep string) {
	t.Helper()
	message := &busv1.Message{Body: []byte(body)}
	if jsep != "" {
		message.Jsep = &busv1.Jsep{Type: jsep, Sdp: "v=0"}
	}
	cmd := plugin.Command{
		Command: &busv1.Command{Id: "c", Verb: &busv1.Command_Message{Message: message}},
		Handle:  plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}},
	}
	e.told = nil
	answers := plugin.Answers{}
	for range 9 {
		turn := plugin.NewTurn(cmd, time.Unix(0, 0), func(string) bool { return true }, answers)
		result := e.room.Apply(turn)
		if turn.Failure != nil {
			t.Fatalf("%s: %v", body, turn.Failure)
		}
		if len(turn.Open) == 0 {
			if result.Next != nil {
				e.room = result.Next
			}
			return
		}
		for _, q := range turn.Open {
			answer := plugin.Answer{Node: "n"}
			switch q.Request.(type) {
			case *mediav1.AcceptOfferRequest:
				answer.Response = &mediav1.AcceptOfferResponse{Sdp: "v=0"}
			case *mediav1.UpdatePublisherRequest:
				answer.Response = &mediav1.UpdatePublisherResponse{}
			}
			if q.Request != nil {
				e.told = append(e.told, q.Request)
			}
			answers.Put(q, answer)
		}
	}
	t.Fatalf("%s: the rule does not stop asking", body)
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	room, err := New().Load("echotest/1-2", nil)
	if err != nil {
		t.Fatal(err)
	}
	return &endpoint{room: room}
}

// offered is what the node is told with the offer.
func (e *endpoint) offered(t *testing.T) *mediav1.AcceptOfferRequest {
	t.Helper()
	if len(e.told) == 1 {
		if r, ok := e.told[0].(*mediav1.AcceptOfferRequest); ok {
			return r
		}
	}
	t.Fatalf("told %v, not of an offer", e.told)
	return nil
}

// updated is what it is told without one.
func (e *endpoint) updated(t *testing.T) *mediav1.UpdatePublisherRequest {
	t.Helper()
	if len(e.told) == 1 {
		if r, ok := e.told[0].(*mediav1.UpdatePublisherRequest); ok {
			return r
		}
	}
	t.Fatalf("told %v, not of a change", e.told)
	return nil
}

const everything = `{"bitrate":128000,"min_delay":100,"max_delay":400,"substream":1,"temporal":0,"fallback":250000,"spatial_layer":1,"temporal_layer":0}`

func checkEverything(t *testing.T, when string, echo *mediav1.Echo, bitrate uint32) {
	t.Helper()
	l := echo.GetLayers()
	if bitrate != 128000 || echo.GetMinDelay() != 100 || echo.GetMaxDelay() != 400 || l.GetSubstream() != 1 || l.GetTemporal() != 0 ||
		l.GetFallbackUs() != 250000 || l.GetSpatialLayer() != 1 || l.GetTemporalLayer() != 0 {
		t.Errorf("%s the node is told %v, %d b/s", when, echo, bitrate)
	}
}

func TestTheNodeIsToldWhatIsSetBeforeTheOffer(t *testing.T) {
	e := newEndpoint(t)
	e.send(t, everything, "")
	if len(e.told) != 0 {
		t.Fatalf("told %v without a peer", e.told)
	}
	e.send(t, `{"audio":true}`, "offer")
	r := e.offered(t)
	checkEverything(t, "after what was set before", r.GetEcho(), r.GetRules().GetBitrateBps())
}

func TestTheNodeIsToldWhatIsSetWithTheOffer(t *testing.T) {
	e := newEndpoint(t)
	e.send(t, everything, "offer")
	r := e.offered(t)
	checkEverything(t, "with the offer", r.GetEcho(), r.GetRules().GetBitrateBps())
}

func TestTheNodeIsToldWhatIsSetLater(t *testing.T) {
	e := newEndpoint(t)
	e.send(t, `{"audio":true}`, "offer")
	if l := e.offered(t).GetEcho().GetLayers(); l.GetSubstream() != 2 || l.GetTemporal() != 2 {
		t.Errorf("told %v at first", l)
	}
	e.send(t, everything, "")
	r := e.updated(t)
	checkEverything(t, "later", r.GetEcho(), r.GetBitrateBps())

	e.send(t, `{"min_delay":0,"max_delay":0}`, "")
	if r := e.updated(t); r.BitrateBps != nil || r.GetEcho().GetMinDelay() != 0 || r.GetEcho().MaxDelay == nil || r.GetEcho().GetLayers().GetSubstream() != 1 {
		t.Errorf("told %v, where the delay alone has changed", r)
	}
	e.send(t, `{"audio":false,"video":false}`, "")
	if r := e.updated(t); r.GetEcho().GetAudio() || r.GetEcho().GetVideo() {
		t.Errorf("told %v, where sound and picture are off", r)
	}
}
