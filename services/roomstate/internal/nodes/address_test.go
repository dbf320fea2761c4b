package nodes

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// mediaNode notes what it is asked.
type mediaNode struct {
	mediav1.UnimplementedMediaServer
	mu    sync.Mutex
	asked proto.Message
}

func (n *mediaNode) note(request proto.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = request
}

func (n *mediaNode) last() proto.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

func (n *mediaNode) UpdateSubscriber(_ context.Context, r *mediav1.UpdateSubscriberRequest) (*mediav1.UpdateSubscriberResponse, error) {
	n.note(r)
	return &mediav1.UpdateSubscriberResponse{}, nil
}

func (n *mediaNode) MakeOffer(_ context.Context, r *mediav1.MakeOfferRequest) (*mediav1.MakeOfferResponse, error) {
	n.note(r)
	return &mediav1.MakeOfferResponse{}, nil
}

func (n *mediaNode) TakePeer(_ context.Context, r *mediav1.TakePeerRequest) (*mediav1.TakePeerResponse, error) {
	n.note(r)
	return &mediav1.TakePeerResponse{}, nil
}

// serve runs n and returns its address.
func serve(t *testing.T, n *mediaNode) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	mediav1.RegisterMediaServer(s, n)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); wg.Wait() })
	return l.Addr().String()
}

func TestNodesAreToldOfEachOtherByAddress(t *testing.T) {
	n := &mediaNode{}
	r := registry(t, true)
	r.Heard(beat("here", serve(t, n), 0), time.Now())
	r.Heard(beat("there", "192.0.2.1:9000", 0), time.Now())
	slots := func() []*mediav1.Slot {
		return []*mediav1.Slot{
			{Source: &mediav1.Source{Feed: "own"}},
			{Source: &mediav1.Source{Feed: "other", Node: "there"}},
			{Source: &mediav1.Source{Feed: "lost", Node: "gone"}},
			{DataSources: []*mediav1.DataSource{{Feed: "own"}, {Feed: "other", Node: "there"}, {Feed: "lost", Node: "gone"}}},
			{},
		}
	}
	want := []*mediav1.Slot{
		{Source: &mediav1.Source{Feed: "own"}},
		{Source: &mediav1.Source{Feed: "other", Node: "192.0.2.1:9000"}},
		{Source: &mediav1.Source{}},
		{DataSources: []*mediav1.DataSource{{Feed: "own"}, {Feed: "other", Node: "192.0.2.1:9000"}}},
		{},
	}
	for _, c := range []struct{ asked, got proto.Message }{
		{&mediav1.UpdateSubscriberRequest{Slots: slots()}, &mediav1.UpdateSubscriberRequest{Slots: want}},
		{&mediav1.MakeOfferRequest{Slots: slots()}, &mediav1.MakeOfferRequest{Slots: want}},
		{&mediav1.TakePeerRequest{From: "there"}, &mediav1.TakePeerRequest{From: "192.0.2.1:9000"}},
	} {
		before := proto.Clone(c.asked)
		if _, err := r.Call(t.Context(), "here", c.asked); err != nil {
			t.Fatal(err)
		}
		if got := n.last(); !proto.Equal(got, c.got) {
			t.Errorf("node was asked %v", got)
		}
		if !proto.Equal(c.asked, before) {
			t.Errorf("the question has become %v", c.asked)
		}
	}
	if _, err := r.Call(t.Context(), "here", &mediav1.TakePeerRequest{From: "gone"}); fault.Of(err) != fault.NodeUnavailable {
		t.Errorf("taken from a node that is gone: %v", err)
	}
}
