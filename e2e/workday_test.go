//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// TestAWorkingDayInTwentySeconds is make load, for a few people.
func TestAWorkingDayInTwentySeconds(t *testing.T) {
	dir := t.TempDir()
	if err := proc.Build("..", dir, "tools/loadtest/workday"); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	printed, err := exec.CommandContext(t.Context(), filepath.Join(dir, "workday"),
		"--programs", cluster.Programs, "--out", out, "--duration", "20s", "--people", "6").CombinedOutput()
	t.Logf("%s", printed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(out, "load.json"))
	if err != nil {
		t.Fatal(err)
	}
	var day struct {
		Phases []struct {
			Joins, Failed    int
			Received         int
			Expected         int
			Peers, CPU       map[string]float64
			DeliveredShare   float64 `json:"delivered_share"`
			SubscriptionsNum int     `json:"subscriptions"`
		}
		Samples []any
	}
	if err := json.Unmarshal(b, &day); err != nil {
		t.Fatal(err)
	}
	joins, received, subscriptions := 0, 0, 0
	for _, p := range day.Phases {
		joins, received, subscriptions = joins+p.Joins, received+p.Received, subscriptions+p.SubscriptionsNum
		if p.Failed > 0 || p.Received > p.Expected || p.Expected > 0 && p.DeliveredShare < 0.5 || len(p.Peers) != 3 {
			t.Errorf("%+v", p)
		}
	}
	if len(day.Phases) != 5 || joins < 6 || received == 0 || subscriptions == 0 || len(day.Samples) < 5 {
		t.Errorf("%d phases, %d joins, %d subscriptions, %d packets, %d samples", len(day.Phases), joins, subscriptions, received, len(day.Samples))
	}
	for _, name := range []string{"load.md", "people.svg", "traffic.svg", "cpu.svg", "nodes.svg"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() < 200 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
