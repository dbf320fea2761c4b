// Package imports keeps the direction of imports: outside worlds are reached through one package each, rules know
// none of them, and services know each other by proto alone.
package imports

import (
	"os/exec"
	"strings"
	"testing"
)

const project = "github.com/cardea-rtc/cardea/"

// only says which packages of the project may import what begins with the path; "x/..." is all below x too, as in Go.
var only = []struct {
	path string
	by   []string
}{
	{"github.com/gorilla/websocket", []string{"services/signaling/internal/ws", "tools/janus"}},
	{"github.com/redis/go-redis", []string{"services/roomstate/internal/store"}},
	{"github.com/nats-io/nats.go", []string{"proto/bus", "services/signaling/internal/bus", "services/roomstate/internal/bus", "services/media/internal/bus", "services/media", "services/roomstate", "services/ctl"}},
	{"github.com/nats-io/nats-server", []string{"services/standalone"}},
	{"github.com/alicebob/miniredis", []string{"services/standalone"}},
	{"google.golang.org/grpc", []string{"proto/fault", "proto/mediav1", "proto/mutual", "proto/traces/...", "services/media/internal/rpc", "services/roomstate/internal/nodes"}},
	{"go.opentelemetry.io/otel/sdk/...", []string{"proto/traces"}},
	{"go.opentelemetry.io/otel/exporters/...", []string{"proto/traces"}},
	{"github.com/go-jose/go-jose", []string{"services/signaling/internal/jwt"}},
	{"github.com/pion/dtls", []string{"services/media/internal/transport", "tools/internal/dtlssrtp"}},
	{"github.com/pion/srtp", []string{"services/media/internal/transport", "services/media/internal/rtpforward", "services/media/internal/rtpreceive", "tools/internal/dtlssrtp", "tools/loadtest/internal/endpoint"}},
	{"github.com/pion/stun", []string{"services/media/internal/transport", "services/media/internal/stunclient", "tools/loadtest/internal/endpoint", "tools/chaos/internal/endpoint"}},
	{"github.com/pion/sctp", []string{"services/media/internal/transport"}},
	{"github.com/pion/datachannel", []string{"services/media/internal/transport"}},
	{"github.com/pion/sdp", []string{"services/media/internal/sdp"}},
	{"github.com/pion/webrtc", []string{"tools/loadtest/...", "tools/soak", "e2e/internal/talk"}},
	// In roomstate the messages are the words in which rules ask nodes (docs/adr/0005).
	{project + "proto/mediav1", []string{"services/media/internal/rpc", "services/roomstate/internal/..."}},
	{project + "services/signaling", []string{"services/signaling/...", "services/standalone"}},
	{project + "services/roomstate", []string{"services/roomstate/...", "services/standalone"}},
	{project + "services/roomstate/internal/store", []string{"services/roomstate", "services/roomstate/internal/admin", "services/roomstate/internal/bus", "services/roomstate/internal/drain", "services/roomstate/internal/owed", "services/roomstate/internal/room", "services/roomstate/internal/session"}},
	{project + "services/roomstate/internal/videoroom", []string{"services/roomstate"}},
	{project + "services/roomstate/internal/echotest", []string{"services/roomstate"}},
	{project + "services/roomstate/internal/nodes", []string{"services/roomstate"}},
	{project + "services/roomstate/internal/bus", []string{"services/roomstate"}},
	{project + "services/ctl", []string{"services/ctl/..."}},
	{project + "services/media", []string{"services/media/...", "services/standalone"}},
}

// pure are packages of rules: they import no I/O and no border.
var pure = []string{
	"services/signaling/internal/janus",
	"proto/token",
	"services/roomstate/internal/videoroom",
	"services/roomstate/internal/echotest",
	"services/roomstate/internal/plugin",
	"services/media/internal/packet",
	"services/media/internal/codec",
	"services/media/internal/forward",
	"services/media/internal/congestion",
	"services/media/internal/relay",
	"services/media/internal/allocation",
	"services/media/internal/sdp",
}

var impure = []string{"net", "net/http", "os", "os/exec", "io/fs", "context", "sync", "log/slog"}

func TestImportsPointOneWay(t *testing.T) {
	for pkg, imports := range list(t) {
		for _, imported := range imports {
			for _, rule := range only {
				if within(imported, rule.path) && !allowed(pkg, rule.by) {
					t.Errorf("%s imports %s; only %s may", pkg, imported, strings.Join(rule.by, ", "))
				}
			}
		}
	}
}

func TestRulesReachNothingOutside(t *testing.T) {
	packages := list(t)
	for _, pkg := range pure {
		imports, ok := packages[pkg]
		if !ok {
			t.Errorf("there is no package %s", pkg)
		}
		for _, imported := range imports {
			for _, bad := range impure {
				if imported == bad {
					t.Errorf("%s imports %s", pkg, imported)
				}
			}
		}
	}
}

// list returns the imports of every package of the project, tests aside.
func list(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "work")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		packages[strings.TrimPrefix(words[0], project)] = words[1:]
	}
	return packages
}

// within is true of path itself and of what is below it, another major version too.
func within(imported, path string) bool {
	rest, ok := strings.CutPrefix(imported, path)
	return ok && (rest == "" || rest[0] == '/')
}

func allowed(pkg string, by []string) bool {
	for _, pattern := range by {
		if prefix, below := strings.CutSuffix(pattern, "/..."); pkg == prefix || below && strings.HasPrefix(pkg, prefix+"/") {
			return true
		}
	}
	return false
}
