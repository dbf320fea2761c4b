//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// about gets an info.
func about(t *testing.T, url string) map[string]any {
	t.Helper()
	resp, err := http.Get(url + "/info")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// infoLacks are members that a Janus's info may have and Cardea's has not, and why.
var infoLacks = map[string]string{
	"log-path": "there is no log file",
}

// alike are members that have to have the value that Janus's has, with the settings of both as they are at first.
var alike = []string{
	"janus", "session-timeout", "reclaim-session-timeout", "candidates-timeout", "accepting-new-sessions", "api_secret", "auth_token", "event_handlers",
	"full-trickle", "data_channels", "opaqueid_in_api", "events",
}

// TestInfoHasWhatJanusHas compares the members of info, and what is the same by default.
func TestInfoHasWhatJanusHas(t *testing.T) {
	t.Parallel()
	oracle, cardea := cluster.StartWholeJanus(t), cluster.StartStandalone(t)
	want, got := about(t, oracle.HTTP), about(t, cardea.HTTP)
	for deadline := time.Now().Add(30 * time.Second); got["public-ip"] == nil && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got = about(t, cardea.HTTP) // the node has said nothing yet
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if has, ok := got[name]; ok && fmt.Sprintf("%T", has) != fmt.Sprintf("%T", want[name]) {
			t.Errorf("%s is a %T, a %T at Janus", name, has, want[name])
		} else if !ok && infoLacks[name] == "" {
			t.Errorf("no %s, which is %v at Janus", name, want[name])
		}
	}
	for _, name := range alike {
		if fmt.Sprint(got[name]) != fmt.Sprint(want[name]) {
			t.Errorf("%s is %v, %v at Janus", name, got[name], want[name])
		}
	}
	for plugin, about := range object(want["plugins"]) {
		mine, theirs := object(object(got["plugins"])[plugin]), object(about)
		if mine["name"] != theirs["name"] && mine["name"] != nil {
			t.Errorf("%s is called %v, %v at Janus", plugin, mine["name"], theirs["name"])
		}
		if a, b := fmt.Sprint(mine["version"]), fmt.Sprint(theirs["version"]); a < b && len(a) <= len(b) && mine["version"] != nil {
			t.Errorf("%s has version %v, %v at Janus", plugin, a, b)
		}
	}
	// Of the one node, which was started with --advertise 127.0.0.1.
	if got["ice-tcp"] != true || got["ipv6"] != false || got["public-ip"] != "127.0.0.1" {
		t.Errorf("ice-tcp %v, ipv6 %v, public-ip %v", got["ice-tcp"], got["ipv6"], got["public-ip"])
	}
}
