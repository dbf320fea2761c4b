//go:build e2e

// Package e2e tries the whole system: real browsers, real servers, a real Janus beside it.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

func TestMain(m *testing.M) {
	if err := cluster.Build(".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	cluster.Remove()
	os.Exit(code)
}
