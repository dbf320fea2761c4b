package bus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"google.golang.org/protobuf/proto"
)

// peers is a node that notes what it is to send.
type peers struct {
	mu   sync.Mutex
	sent map[node.PeerID][]string
}

func (p *peers) SendTexts(_ context.Context, id node.PeerID, texts [][]byte) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range texts {
		p.sent[id] = append(p.sent[id], string(text))
	}
	return true, nil
}

func TestEachPeerGetsItsTextsInOrder(t *testing.T) {
	n := &peers{sent: map[node.PeerID][]string{}}
	x := &Texts{Name: "n", Node: n, Log: slog.New(slog.DiscardHandler)}
	to := func(handles ...uint64) (all []*busv1.Texts_Peer) {
		for _, h := range handles {
			all = append(all, &busv1.Texts_Peer{SessionId: 1, HandleId: h, Generation: 1})
		}
		return all
	}
	b, err := proto.Marshal(&busv1.Texts{Texts: []*busv1.Texts_Text{
		{To: to(1, 2), Text: []byte("a")}, {To: to(2), Text: []byte("b")}, {To: to(1, 2), Text: []byte("c")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	x.send(t.Context(), b)
	x.send(t.Context(), []byte{0xff})
	if got := n.sent[peer(1)]; !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("first: %v", got)
	}
	if got := n.sent[peer(2)]; !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("second: %v", got)
	}
	if x.Dropped() != 1 {
		t.Errorf("%d dropped, one was no message", x.Dropped())
	}
}

func TestFloodOfTextsIsBoundedAndLeavesOtherEventsRoom(t *testing.T) {
	open := make(chan struct{})
	r := &roomstate{answer: func(context.Context) error { <-open; return nil }}
	e, heard := run(r, func(e *Events) {
		e.Publish(peer(1), node.Up{})
		for i := range maxTexts + 10 {
			e.Publish(peer(1), node.Text{Text: fmt.Append(nil, i)})
		}
		for i := range maxQueued {
			e.Publish(peer(1), node.Layer{MID: "0", Substream: &i})
		}
		e.Publish(peer(1), node.Closed{})
		close(open)
	})
	next := 0
	for _, cmd := range heard {
		if text := cmd.GetPeer().GetText(); text != nil {
			if string(text.GetText()) != fmt.Sprint(next) {
				t.Fatalf("text %d is %s", next, text.GetText())
			}
			next++
		}
	}
	if next != maxTexts {
		t.Errorf("%d texts", next)
	}
	if heard[len(heard)-1].GetPeer().GetClosed() == nil || int(e.Dropped())+len(heard) != maxTexts+10+maxQueued+2 {
		t.Errorf("%d dropped, %d heard, last %v", e.Dropped(), len(heard), heard[len(heard)-1])
	}
}

func FuzzTexts(f *testing.F) {
	f.Add([]byte{10, 3, 18, 1, 97})
	f.Fuzz(func(_ *testing.T, b []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		(&Texts{Node: &peers{sent: map[node.PeerID][]string{}}, Log: slog.New(slog.DiscardHandler)}).send(ctx, b)
	})
}
