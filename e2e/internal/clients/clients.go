// Package clients finds the clients of Janus that deploy/clients.sh has fetched.
package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// Dir returns where they are.
func Dir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(proc.Root(t), ".cache", "clients")
	if _, err := os.Stat(filepath.Join(dir, "made")); err != nil {
		t.Fatalf("other people's clients are missing (make deps): %v", err)
	}
	return dir
}

// Node runs a script by Node.js until the test ends, with the modules from npm and more of its environment.
func Node(t testing.TB, name, dir, script string, env ...string) *proc.Process {
	t.Helper()
	env = append(env, "NODE_PATH="+filepath.Join(Dir(t), "node_modules"), "NODE_ENV=production")
	return proc.StartWith(t, name, func(cmd *exec.Cmd) {
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	}, "node", script)
}
