package check

import (
	"slices"
	"testing"
)

// TestRedisRefusesWritesBeforeItIsKilled: what it keeps may be three quarters of its limit.
func TestRedisRefusesWritesBeforeItIsKilled(t *testing.T) {
	for limit, want := range map[any]string{
		"1Gi": "805306368", "1.5Gi": "1207959552", "2G": "1500000000", "600Mi": "471859200", "1073741824": "805306368", 1073741824: "805306368",
		nil: "",
	} {
		resources := map[string]any{"limits": map[string]any{"memory": limit}}
		c := accepted(t, map[string]any{"redis": map[string]any{"resources": resources}})
		got, found := "", false
		for _, p := range c.pods() {
			if p.Workload != "cardea-redis" {
				continue
			}
			command := p.Template.Spec.Containers[0].Command
			found = slices.Contains(command, "noeviction")
			if i := slices.Index(command, "--maxmemory"); i >= 0 {
				got = command[i+1]
			}
		}
		if got != want || !found {
			t.Errorf("limit %v: maxmemory is %q, want %q; noeviction %t", limit, got, want, found)
		}
	}
}
