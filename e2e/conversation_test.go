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

// TestSameAnswersAsJanusOverHTTP plays conversations that need no socket over HTTP; TestConformance plays
// all of them over a socket.
func TestSameAnswersAsJanusOverHTTP(t *testing.T) {
	t.Parallel()
	oracle := cluster.StartWholeJanus(t)
	compareTalks(t, oracle, cluster.StartStandalone(t).HTTP, "conversations/core.talk", "conversations/echo.talk")
}

// compareTalks plays conversations to Janus and to Cardea.
func compareTalks(t *testing.T, oracle cluster.Janus, cardea string, files ...string) {
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
				steps, err := talk.Play(ctx, oracle.HTTP, string(text))
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
				if reason, _ := allowedBeside(oracle.Version)(difference); reason != "" {
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
