package nodes

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func placed(t *testing.T, r *Registry, q plugin.Question) string {
	t.Helper()
	q.Place = true
	node, err := r.Place(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// TestNobodyIsSentBackToAnAddressTheyHaveLeft, even if another process has it now, unless there is no other.
func TestNobodyIsSentBackToAnAddressTheyHaveLeft(t *testing.T) {
	r := registry(t, true)
	now := time.Now()
	r.Heard(beat("first", "a", 0), now)
	r.forget("first")
	r.Heard(beat("again", "a", 0), now)
	if got := placed(t, r, plugin.Question{Not: "first", Avoid: []string{"first"}, Near: []string{"again"}}); got != "again" {
		t.Errorf("placed on %s, and there is no other", got)
	}
	r.Heard(beat("other", "b", 0), now)
	for range 20 {
		if got := placed(t, r, plugin.Question{Not: "first", Avoid: []string{"first"}, Near: []string{"again"}}); got != "other" {
			t.Fatalf("placed on %s, which is where the node was that it has left", got)
		}
	}
	if got := placed(t, r, plugin.Question{Near: []string{"again"}}); got != "again" {
		t.Errorf("others are placed on %s", got)
	}
}
