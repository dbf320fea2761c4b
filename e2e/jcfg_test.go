//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// debiansFiles are those of Debian's Janus about what Cardea has.
var debiansFiles = []string{
	"janus.jcfg", "janus.plugin.videoroom.jcfg", "janus.plugin.textroom.jcfg", "janus.plugin.videocall.jcfg", "janus.plugin.echotest.jcfg",
	"janus.transport.http.jcfg", "janus.transport.websockets.jcfg", "janus.eventhandler.sampleevh.jcfg",
}

// laterKeys are those that files of Janus 1.4.2 name beside, by group.
var laterKeys = map[string]map[string][]string{
	"janus.jcfg": {
		"general": {"log_rotate_sig", "check_openfiles_limit"}, "nat": {"ice_consent_freshness", "hangup_on_failed"},
	},
	"janus.transport.http.jcfg":       {"general": {"acl_forwarded"}, "admin": {"admin_acl_forwarded"}},
	"janus.transport.websockets.jcfg": {"general": {"ws_acl_forwarded"}, "admin": {"admin_ws_acl_forwarded"}},
}

var (
	groupLine = regexp.MustCompile(`^(\w+): *\{`)
	keyLine   = regexp.MustCompile(`^\s*#?\s*(\w+)\s*=`)
	roomLine  = regexp.MustCompile(`^# (\w+)\s*=`)
)

// keysOf are all keys that a file of Debian's names, those in comments too, by group; those that a comment before all groups
// names are a room's.
func keysOf(t *testing.T, file string) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("/etc/janus/" + file)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{}
	group := ""
	for line := range strings.Lines(string(b)) {
		if m := groupLine.FindStringSubmatch(line); m != nil {
			group = m[1]
			continue
		}
		pattern, in := keyLine, group
		if group == "" {
			pattern, in = roomLine, "room-1"
		}
		switch m := pattern.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "}"):
			group = ""
		case m != nil && (group != "" || strings.Contains(file, "room")) && !slices.Contains(keys[in], m[1]):
			keys[in] = append(keys[in], m[1])
		}
	}
	return keys
}

// TestEveryKeyOfDebiansFilesIsKnown has the reader told of every key that Debian's files name, and those of a later Janus.
func TestEveryKeyOfDebiansFilesIsKnown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, file := range debiansFiles {
		keys := keysOf(t, file)
		for group, later := range laterKeys[file] {
			for _, key := range later {
				if !slices.Contains(keys[group], key) {
					keys[group] = append(keys[group], key)
				}
			}
		}
		var text strings.Builder
		for _, group := range slices.Sorted(maps.Keys(keys)) {
			fmt.Fprintf(&text, "%s: {\n", group)
			for _, key := range keys[group] {
				fmt.Fprintf(&text, "%s = \"1\"\n", key)
			}
			text.WriteString("}\n")
		}
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), filepath.Join(cluster.Programs, "roomstate"), "read-jcfg", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", file, err, out)
		}
		n := 0
		for group, names := range keys {
			for _, name := range names {
				n++
				about := regexp.MustCompile(`: ` + regexp.QuoteMeta(group+"."+name) + `: (.*)`).FindSubmatch(out)
				if about == nil || strings.HasSuffix(string(about[1]), ": unknown") {
					t.Errorf("%s: nothing is known of %s.%s", file, group, name)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s names no keys", file)
		}
		t.Logf("%s: %d keys", file, n)
	}
}
