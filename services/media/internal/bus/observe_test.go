package bus

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// subject notes what is published.
type subject struct {
	mu     sync.Mutex
	events []events.Event
}

func (s *subject) Publish(_ string, data []byte) error {
	var e events.Event
	err := json.Unmarshal(data, &e)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return err
}

// observe returns what event handlers are told of observations, and how many were dropped.
func observe(t *testing.T, mask string, queue int, observe func(node.Observer)) ([]events.Event, float64) {
	t.Helper()
	s, r := &subject{}, prometheus.NewRegistry()
	emitter, err := events.New(events.Config{Subject: "test", Mask: []string{mask}, Queue: queue}, "node-0", s, r, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o := NewObservations(emitter)
	if to := o.Observer(); to != nil {
		observe(to)
	}
	o.Close()
	o.Run()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	emitter.Run(ctx)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0.0
	for _, f := range families {
		if f.GetName() == "cardea_events_dropped_total" {
			for _, m := range f.GetMetric() {
				dropped += m.GetCounter().GetValue()
			}
		}
	}
	return s.events, dropped
}

func TestObservationsBecomeEvents(t *testing.T) {
	got, _ := observe(t, "all", 100, func(o node.Observer) {
		for _, what := range []node.Observation{
			node.Gathered{Candidates: []string{"1 1 udp 1 192.0.2.1 9 typ host"}}, node.ICE{State: "connecting"},
			node.Selected{Local: netip.MustParseAddrPort("192.0.2.1:9"), Remote: netip.MustParseAddrPort("[2001:db8::1]:10"), TCP: true},
			node.DTLS{State: "connected"},
			node.Statistics{Media: []node.MediaStatistics{
				{MID: "1", Video: true, Codec: "vp8", ClockRate: 90000, Inbound: forward.LayerStats{Packets: 90, Lost: 10}, InboundLoss: 0.1, Unrepaired: 0.05},
				{MID: "1", Video: true, Layer: 1, Codec: "vp8", ClockRate: 90000, Outbound: forward.LegStats{RTT: time.Second}},
			}, Data: &node.DataStatistics{MID: "2", Index: 2, Traffic: transport.DataTraffic{PacketsReceived: 3, BytesSent: 4}}},
		} {
			o.Observe(peer(7), "app", what)
		}
	})
	want := []struct {
		t       events.Type
		subtype int
	}{
		{events.WebRTC, events.LocalCandidate}, {events.WebRTC, events.ICEState}, {events.WebRTC, events.SelectedPair},
		{events.WebRTC, events.DTLSState}, {events.Media, events.Stats}, {events.Media, events.Stats}, {events.Media, events.Stats},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i, e := range got {
		if e.Type != want[i].t || e.Subtype != want[i].subtype || e.SessionID != 1 || e.HandleID != 7 || e.OpaqueID != "app" || e.Timestamp == 0 {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	pair := got[2].Event.(map[string]any)
	if pair["selected-pair"] != "192.0.2.1:9 [host,tcp] <-> 2001:db8::1:10 [prflx,tcp]" {
		t.Errorf("got %v", pair)
	}
	if data := got[6].Event.(map[string]any); data["media"] != "data" || data["mindex"] != 2.0 || data["packets-received"] != 3.0 || data["bytes-sent"] != 4.0 {
		t.Errorf("got %v", data)
	}
	low, high := got[4].Event.(map[string]any), got[5].Event.(map[string]any)
	if low["media"] != "video" || low["in-link-quality"] != 90.0 || low["in-media-link-quality"] != 95.0 || low["rtt"] == nil {
		t.Errorf("got %v", low)
	}
	if high["media"] != "video-sim1" || high["rtt"] != nil || high["in-link-quality"] != 0.0 {
		t.Errorf("got %v", high)
	}
}

func TestObservationsAreDroppedAndCountedBeyondTheBound(t *testing.T) {
	got, dropped := observe(t, "all", 2*maxObserved, func(o node.Observer) {
		for range maxObserved + 5 { // none of which is taken meanwhile
			o.Observe(peer(1), "", node.ICE{State: "connecting"})
		}
	})
	if len(got) != maxObserved || dropped != 5 {
		t.Errorf("%d events, %v dropped", len(got), dropped)
	}
}

func TestNobodyObservesWhatNobodyWants(t *testing.T) {
	got, _ := observe(t, "plugins", 10, func(node.Observer) { t.Error("there is an observer") })
	if len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
