//go:build compose

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
)

// TestCompose makes a call through what deploy/compose-test.sh has brought up, as a user of docker-compose.yml would. While
// it runs there come two more media nodes, and one of two replicas of roomstate is killed; then one more joins.
func TestCompose(t *testing.T) {
	for _, address := range []string{"127.0.0.1:8080", "127.0.0.1:8188"} {
		for try := 0; ; try++ {
			conn, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				_ = conn.Close()
				break
			}
			if try == 60 {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
		}
	}
	awaitHealthy(t, "signaling", "roomstate", "media-1")
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	join := func() {
		tab := browser.Open(t, fmt.Sprint("tab", len(tabs)), "http://localhost:8080/")
		tab.Type("#name", fmt.Sprint("Guest ", len(tabs)))
		tab.Click("#join")
		tabs = append(tabs, tab)
	}
	goesOn := func(what string) {
		t.Helper()
		for _, tab := range tabs {
			tab.WaitVideos(len(tabs), 2*time.Minute)
			tab.WaitMoreFrames(len(tabs), 2*time.Minute)
			tab.Screenshot(what)
		}
	}
	join()
	join()
	goesOn("call")

	compose(t, "up", "-d", "--no-deps", "media-2", "media-3")
	awaitHealthy(t, "media-2", "media-3")
	goesOn("three-nodes")

	replica := strings.Fields(compose(t, "ps", "-q", "roomstate"))
	if len(replica) != 2 {
		t.Fatalf("%d replicas of roomstate, want 2", len(replica))
	}
	if out, err := exec.Command("docker", "kill", replica[0]).CombinedOutput(); err != nil {
		t.Fatalf("kill: %v: %s", err, out)
	}
	goesOn("killed")
	join()
	goesOn("joined-after")
}

// compose runs a command of the program that COMPOSE names, and returns what it printed.
func compose(t *testing.T, args ...string) string {
	t.Helper()
	words := append(strings.Fields(os.Getenv("COMPOSE")), args...)
	cmd := exec.Command(words[0], words[1:]...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, problems.String())
	}
	return string(out)
}

// awaitHealthy has each service's container ask itself whether it is ready, as its HEALTHCHECK does.
func awaitHealthy(t *testing.T, services ...string) {
	t.Helper()
	for _, service := range services {
		program := "/" + strings.SplitN(service, "-", 2)[0]
		words := append(strings.Fields(os.Getenv("COMPOSE")), "exec", "-T", service, program, "healthcheck")
		deadline := time.Now().Add(time.Minute)
		for {
			out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is not ready: %v: %s", service, err, out)
			}
			time.Sleep(500 * time.Millisecond)
		}
	}
}
