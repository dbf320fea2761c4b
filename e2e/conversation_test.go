//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// TestSameAnswersAsJanus plays each conversation to Debian's Janus and to Cardea.
func TestSameAnswersAsJanus(t *testing.T) {
	compareTalks(t, cluster.StartJanus(t), cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8").URL, "conversations/*.talk")
}

// TestSameAnswersAsJanusOverHTTP plays those that need no socket over HTTP.
func TestSameAnswersAsJanusOverHTTP(t *testing.T) {
	oracle := cluster.StartWholeJanus(t).HTTP
	compareTalks(t, oracle, cluster.StartStandalone(t).HTTP, "conversations/core.talk", "conversations/echo.talk")
}

// compareTalks plays conversations to Janus and to Cardea.
func compareTalks(t *testing.T, oracle, cardea string, patterns ...string) {
	var files []string
	for _, pattern := range patterns {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("no conversations %s: %v", pattern, err)
		}
		files = append(files, some...)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".talk"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			want := make(chan []talk.Step, 1)
			go func() {
				steps, err := talk.Play(ctx, oracle, string(text))
				if err != nil {
					t.Errorf("Janus: %v", err)
				}
				want <- steps
			}()
			got, err := talk.Play(ctx, cardea, string(text))
			if err != nil {
				t.Errorf("Cardea: %v", err)
			}
			steps := <-want
			allowed := 0
			for _, difference := range talk.Differences(steps, got) {
				if reason := allowedBecause(difference); reason != "" {
					allowed++
					t.Logf("allowed (%s): %s", reason, difference)
					continue
				}
				t.Error(difference)
			}
			t.Logf("%d steps compared, %d differences allowed", len(steps), allowed)
		})
	}
}
