//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/conform"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

var (
	conformanceSeed = flag.Uint64("conformance.seed", 1, "of the sequences that are played to Cardea and to Janus")
	conformanceSize = flag.Int("conformance.sequences", 12, "how many sequences")
	conformanceFile = flag.String("conformance.report", "", "file for the report")
	conformanceOnly = flag.String("conformance.only", "", "play only conversations whose name matches this regular expression")
)

// leastEqual is how many of 100 compared steps have to be equal.
const leastEqual = 99

// atOnce is how many conversations are played at the same time: most of each is waiting.
const atOnce = 10

// TestConformance plays what people have written, and what package conform makes, to a real Janus and to Cardea. Each
// difference must have its reason in allowed_test.go.
func TestConformance(t *testing.T) {
	t.Parallel()
	only := regexp.MustCompile(*conformanceOnly)
	oracle := cluster.StartWholeJanus(t)
	plain := servers{cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8", "--remote-from", "127.0.0.0/8").URL, oracle.WS}
	var text strings.Builder
	fmt.Fprintf(&text, "compared with Janus %s\n", oracle.Version)
	var reports []*conform.Report
	keyed := keyedServers(t)
	for _, part := range []struct {
		title string
		all   []conform.Conversation
		servers
	}{
		{"written conversations", written(t, "conversations"), plain},
		{"each field of each request", conform.Fields(oracle.Version, false), plain},
		{"each field, with an admin key", conform.Fields(oracle.Version, true), keyed},
		{fmt.Sprintf("sequences of seed %d", *conformanceSeed),
			append(conform.Sequences(*conformanceSize, *conformanceSeed), conform.Calls(*conformanceSize/4, *conformanceSeed)...), plain},
	} {
		report := &conform.Report{Reason: allowedBeside(oracle.Version)}
		began := time.Now()
		var wg sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for _, c := range part.all {
			if !only.MatchString(c.Name) {
				continue
			}
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				want, got := playUntilExplained(t, part.cardea, part.oracle, c, report)
				logSlow(t, "Janus", want)
				logSlow(t, "Cardea", got)
				for _, d := range report.Add(c.Name, want, got) {
					t.Errorf("%s: %s", c.Name, d)
				}
			})
		}
		wg.Wait()
		report.Print(&text, part.title)
		reports = append(reports, report)
		t.Logf("%s took %v", part.title, time.Since(began).Round(time.Second))
	}
	total := conform.Total(reports...)
	fmt.Fprintf(&text, "all, compared with Janus %s: %v\n", oracle.Version, total)
	if share := total.Share(); share < leastEqual && *conformanceOnly == "" {
		t.Errorf("only %.2f %% of the steps are equal", share)
	}
	fmt.Print(text.String())
	if *conformanceFile != "" {
		if err := os.WriteFile(*conformanceFile, []byte(text.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// servers are where Cardea and Janus are.
type servers struct{ cardea, oracle string }

// keyedServers want the admin key "k" of who makes rooms and forwards.
func keyedServers(t *testing.T) servers {
	t.Helper()
	cardea := cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8", "--admin-key", "k", "--lock-rtp-forward")
	oracle := cluster.StartJanusWith(t, cluster.JanusSettings{
		VideoRoom: []string{`admin_key = "k"`, "lock_rtp_forward = true"}, TextRoom: []string{`admin_key = "k";`},
	})
	return servers{cardea.URL, oracle.WS}
}

// TestStringIDsAsJanus compares the two where rooms and participants are named by strings, and create wants a key.
func TestStringIDsAsJanus(t *testing.T) {
	t.Parallel()
	cardea := cluster.StartStandalone(t, "--string-ids", "--admin-key", "k").URL
	oracle := cluster.StartJanusWith(t, cluster.JanusSettings{VideoRoom: []string{"string_ids = true", `admin_key = "k"`}})
	compareWritten(t, cardea, oracle, "conversations/strings")
}

// TestTextStringIDsAsJanus compares the two where text rooms are named by strings.
func TestTextStringIDsAsJanus(t *testing.T) {
	t.Parallel()
	cardea := cluster.StartStandalone(t, "--text-string-ids", "--admin-key", "k").URL
	oracle := cluster.StartJanusWith(t, cluster.JanusSettings{TextRoom: []string{"string_ids = true;", `admin_key = "k";`}})
	compareWritten(t, cardea, oracle, "conversations/textstrings")
}

// TestOpaqueIDsAsJanus compares the two where endpoints are told opaque ids.
func TestOpaqueIDsAsJanus(t *testing.T) {
	t.Parallel()
	cardea := cluster.StartStandalone(t, "--opaqueid-in-api").URL
	oracle := cluster.StartWholeJanus(t, "opaqueid_in_api = true;")
	compareWritten(t, cardea, oracle, "conversations/opaque")
}

// compareWritten plays the conversations of a folder to both.
func compareWritten(t *testing.T, cardea string, oracle cluster.Janus, folder string) {
	t.Helper()
	report := &conform.Report{Reason: allowedBeside(oracle.Version)}
	for _, c := range written(t, folder) {
		want, got := playUntilExplained(t, cardea, oracle.WS, c, report)
		for _, d := range report.Add(c.Name, want, got) {
			t.Errorf("%s: %s", c.Name, d)
		}
	}
	var text strings.Builder
	report.Print(&text, folder)
	t.Log(text.String())
}

// playUntilExplained plays a conversation again, twice at most, if there is a difference without a reason: Janus has
// races of its own, and says one thing now and another then. What does not come again is logged.
func playUntilExplained(t *testing.T, cardea, oracle string, c conform.Conversation, r *conform.Report) (want, got []talk.Step) {
	for again := 2; ; again-- {
		want, got = playBoth(t, cardea, oracle, c)
		unexplained := r.Unexplained(want, got)
		if len(unexplained) == 0 || again == 0 {
			return want, got
		}
		t.Logf("%s is played again, for %d differences, such as %.300s", c.Name, len(unexplained), unexplained[0])
	}
}

// playBoth plays a conversation to both servers at the same time.
func playBoth(t *testing.T, cardea, oracle string, c conform.Conversation) (want, got []talk.Step) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if want, err = talk.Play(ctx, oracle, c.Text); err != nil {
			t.Errorf("%s: Janus: %v", c.Name, err)
		}
	})
	var err error
	if got, err = talk.Play(ctx, cardea, c.Text); err != nil {
		t.Errorf("%s: Cardea: %v", c.Name, err)
	}
	wg.Wait()
	talk.MarkGaps(want, got)
	talk.MarkIdle(want)
	talk.MarkIdle(got)
	return want, got
}

// logSlow tells of steps that an answer, or media, was waited for in vain.
func logSlow(t *testing.T, server string, steps []talk.Step) {
	for _, s := range steps {
		if s.Took > 4*time.Second {
			t.Logf("%s took %v: %.200s", server, s.Took.Round(time.Second), s.Line)
		}
	}
}

// written are the conversations that people have written.
func written(t *testing.T, folder string) []conform.Conversation {
	files, err := filepath.Glob(folder + "/*.talk")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	var all []conform.Conversation
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conform.Conversation{Name: filepath.Base(file), Text: string(text)})
	}
	return all
}
