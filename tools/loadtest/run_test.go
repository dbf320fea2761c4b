package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settingsFor returns the defaults but for a short and small run.
func settingsFor(t *testing.T, url string) *config {
	t.Helper()
	var cfg config
	if err := settings.Defaults(&cfg); err != nil {
		t.Fatal(err)
	}
	cfg.URL, cfg.Subscribers, cfg.JoinsPerSecond = url, 3, 100
	cfg.VideoBitrate, cfg.Duration = 300_000, time.Second
	return &cfg
}

func TestAllThatIsSentIsCounted(t *testing.T) {
	f := startFake(t)
	got, err := measure(t.Context(), settingsFor(t, f.url), map[string]int{"fake": os.Getpid()}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	// A second of 30 frames in 2 packets and of 50 audio packets; the clock of a busy machine is allowed a fifth.
	if got.Subscribers != 3 || got.Expected < 3*88 || got.Expected > 3*132 {
		t.Errorf("%d subscribers, %d packets expected", got.Subscribers, got.Expected)
	}
	if got.Received+got.Lost != got.Expected || got.Lost > got.Expected/20 || got.Foreign != 0 || got.Dropped != 0 || got.Problem != "" {
		t.Errorf("%+v", got)
	}
	if got.Latency.Count == 0 || got.Latency.P50 <= 0 || got.JoinFirstPacket.Count != 3 || got.Processes[0].RSSEnd <= 0 {
		t.Errorf("%+v", got)
	}
	if f.rooms != 0 {
		t.Errorf("%d rooms are left", f.rooms)
	}
}

func TestSubscribersWithoutMediaAreToldOf(t *testing.T) {
	f := startFake(t)
	f.noMedia = true
	cfg := settingsFor(t, f.url)
	cfg.JoinTimeout = time.Second
	got, err := measure(t.Context(), cfg, nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got.Failed != 3 || !strings.Contains(got.Problem, "no media came") {
		t.Errorf("%+v", got)
	}
}

func TestInterruptedRunsTellWhatTheyKnow(t *testing.T) {
	f := startFake(t)
	cfg := settingsFor(t, f.url)
	cfg.Duration = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	got, err := measure(ctx, cfg, nil, io.Discard)
	if err != nil || !got.Interrupted || got.Received == 0 || f.rooms != 0 {
		t.Errorf("%+v, %v; %d rooms left", got, err, f.rooms)
	}
}

func TestServersThatAreNotThereAreErrors(t *testing.T) {
	_, err := measure(t.Context(), settingsFor(t, "ws://127.0.0.1:1/"), nil, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "--url: ") {
		t.Error(err)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for key, change := range map[string]func(*config){
		"--url":              func(c *config) { c.URL = "http://localhost" },
		"--rooms":            func(c *config) { c.Rooms = 0 },
		"--publishers":       func(c *config) { c.Publishers = -1 },
		"--subscribers":      func(c *config) { c.Subscribers = 0 },
		"--joins-per-second": func(c *config) { c.JoinsPerSecond = 0 },
		"--duration":         func(c *config) { c.Duration = 0 },
		"--join-timeout":     func(c *config) { c.JoinTimeout = 0 },
		"--video-bitrate":    func(c *config) { c.VideoBitrate, c.Audio = 0, false },
	} {
		cfg := settingsFor(t, "ws://localhost/")
		change(cfg)
		if err := cfg.check(); err == nil || !strings.HasPrefix(err.Error(), key+" ") {
			t.Errorf("%s: %v", key, err)
		}
	}
	cfg := config{Process: map[string]int{"gone": -1}}
	if _, err := cfg.processes(); err == nil || !strings.HasPrefix(err.Error(), "--process gone=-1") {
		t.Error(err)
	}
}
