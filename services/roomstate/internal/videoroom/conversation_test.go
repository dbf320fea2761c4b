package videoroom

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write what was said into the conversations")

// A conversation is a file of lines. What happens:
//
//	al > {"request":…}                    a message
//	al > {"request":…} + offer audio:opus …with an SDP
//	al up                                 news of al's peer: up, closed <reason>, layer <mid> <substream>
//	al hangup                             and detach
//
// and what comes of it: "al = …" a synchronous answer, "al <- …" an asynchronous one, "al < …" an event, "al ! …" an
// error of the core's, "al closed …" a peer that the node is to close.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := converse(t, string(b))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(b), got); diff != "" {
				t.Errorf("said otherwise (-want +got):\n%s", diff)
			}
		})
	}
}

var (
	happens = regexp.MustCompile(`^(\w+) (>|up|hangup|detach|closed!|layer) ?(.*)$`)
	jsep    = regexp.MustCompile(`^(.*) \+ (offer|answer) (.*)$`)
	private = regexp.MustCompile(`"private_id":\d+`)
)

func converse(t *testing.T, script string) string {
	s := newSim(Config{AdminKey: plugin.Fixed("supersecret")})
	if strings.HasPrefix(script, "# no admin key") {
		s = newSim(Config{})
	}
	var out []string
	for _, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			out = append(out, line)
			continue
		}
		m := happens.FindStringSubmatch(line)
		if m == nil {
			continue // what came of it
		}
		out = append(out, line)
		s.log = nil
		act(s, m[1], m[2], m[3])
		s.check(t)
		for _, said := range s.log {
			out = append(out, private.ReplaceAllString(said, `"private_id":0`))
		}
	}
	return strings.Join(out, "\n") + "\n"
}

func act(s *sim, who, what, how string) {
	switch what {
	case ">":
		if m := jsep.FindStringSubmatch(how); m != nil {
			s.send(who, m[1], m[2], m[3])
			return
		}
		s.send(who, how)
	case "up":
		s.up(who)
	case "hangup":
		s.hangup(who)
	case "detach":
		s.detach(who)
	case "closed!":
		s.closed(who, how)
	case "layer":
		mid, substream, _ := strings.Cut(how, " ")
		n, _ := strconv.Atoi(substream)
		s.news(who, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Layer_{
			Layer: &busv1.PeerEvent_Layer{Mid: mid, Codec: "vp8", Substream: new(int32(n))},
		}})
	}
}
