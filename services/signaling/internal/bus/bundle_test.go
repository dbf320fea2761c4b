package bus

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listener keeps what it hears.
type listener chan []edge.Heard

func (l listener) Hear(ev *busv1.Event)              { l.HearRun(edge.Heard{Event: ev}) }
func (l listener) HearRun(evs ...edge.Heard)         { l <- evs }
func (l listener) HearRelease(uint64) (uint64, bool) { return 0, false }

func TestABundleIsHeardAsTheEventsThatItIsMadeOf(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS did not start")
	}
	connect := func() *nats.Conn {
		nc, err := bus.Connect(s.ClientURL(), "test", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	b, err := New(connect(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	l, nc := make(listener, 10), connect()
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(ended); b.Run(ctx, l) }()
	defer func() { cancel(); <-ended; _ = b.Close() }()

	encode := func(m proto.Message) []byte {
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	says := func(n int) *busv1.Event {
		return &busv1.Event{Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: "p", Data: fmt.Appendf(nil, `{"n":%d}`, n)}}}
	}
	kinds := [][]byte{encode(says(0)), encode(says(1)), encode(&busv1.Event{Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}})}
	to := func(session uint64) []byte {
		return encode(&busv1.Event{SessionId: session, HandleId: 8, OpaqueId: "o"})
	}
	for _, wrong := range [][]byte{
		[]byte("no Bundle"),
		encode(&busv1.Bundle{Kinds: [][]byte{{255}}}),
		encode(&busv1.Bundle{Kinds: kinds, Runs: []*busv1.Bundle_Run{{To: to(7), First: 1, Kinds: []uint32{3}}}}),
		encode(&busv1.Bundle{Kinds: kinds, Runs: []*busv1.Bundle_Run{{To: to(7), First: 1}}}),
		encode(&busv1.Bundle{Kinds: kinds, Runs: []*busv1.Bundle_Run{
			{To: to(7), First: 4, Kinds: []uint32{1, 0, 2}}, {To: to(9), First: 1, Kinds: []uint32{0}},
		}}),
	} {
		if err := nc.Publish(b.Bundles(), wrong); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]*busv1.Event{
		{says(1), says(0), {Kind: &busv1.Event_Detached{Detached: &busv1.Detached{}}}}, {says(0)},
	} {
		var evs []edge.Heard
		select {
		case evs = <-l:
		case <-time.After(5 * time.Second):
			t.Fatal("nothing is heard")
		}
		if len(evs) != len(want) {
			t.Fatalf("heard %v", evs)
		}
		for i, ev := range evs {
			w := want[i]
			w.SessionId, w.HandleId, w.OpaqueId, w.Number = 7, 8, "o", uint64(i+4)
			if len(want) == 1 {
				w.SessionId, w.Number = 9, 1
			}
			if !proto.Equal(ev.Event, w) {
				t.Errorf("heard %v, want %v", ev.Event, w)
			}
			if got, alone := janus.Event(ev.Event, ev.Said, true), janus.Event(w, nil, true); string(got) != string(alone) {
				t.Errorf("written as %s, and alone as %s", got, alone)
			}
		}
	}
}
