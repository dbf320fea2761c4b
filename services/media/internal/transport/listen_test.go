package transport

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"
)

func TestListenThatFailsLeavesNoPortOpen(t *testing.T) {
	s, err := openSocket(0) // a port number that is free
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Port: s.port(), TCP: true, Log: slog.New(slog.DiscardHandler)}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no addresses")
	if _, err := listen(cfg, func(bool) ([]netip.Addr, error) { return nil, failure }); !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}
	cfg.Advertise = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	g, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.closeListeners(); err != nil {
		t.Error(err)
	}
}
