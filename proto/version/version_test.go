package version

import (
	"os"
	"strings"
	"testing"
)

func TestTheCommitIsThatOfTheImage(t *testing.T) {
	t.Cleanup(func() { Commit, Time = "", "" })
	if got := Revision(); got != Noted("vcs.revision") {
		t.Errorf("%q where no image says it", got)
	}
	Commit = "0123456789abcdef"
	if got := Revision(); got != Commit {
		t.Errorf("got %q", got)
	}
	if got := Committed(); got != Noted("vcs.time") {
		t.Errorf("made at %q where no image says it", got)
	}
	if Time = "2026-11-23T12:00:00Z"; Committed() != Time {
		t.Errorf("made at %q", Committed())
	}
}

// TestImagesAreToldTheirCommit in both ways in which they are built.
func TestImagesAreToldTheirCommit(t *testing.T) {
	for _, file := range []string{"../../deploy/Dockerfile", "../../deploy/images.sh"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), "build=github.com/cardea-rtc/cardea/proto/version\n") && !strings.Contains(string(b), "build=github.com/cardea-rtc/cardea/proto/version \\\n") {
			t.Errorf("%s: of which package?", file)
		}
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "-ldflags") && !(strings.Contains(line, "-X $build.Commit=") && strings.Contains(line, "-X $build.Time=")) {
				t.Errorf("%s: %s", file, line)
			}
		}
	}
}
