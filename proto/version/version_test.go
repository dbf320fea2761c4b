package version

import (
	"os"
	"strings"
	"testing"
)

func TestTheCommitIsThatOfTheImage(t *testing.T) {
	t.Cleanup(func() { Commit = "" })
	if got := Revision(); got != Noted("vcs.revision") {
		t.Errorf("%q where no image says it", got)
	}
	Commit = "0123456789abcdef"
	if got := Revision(); got != Commit {
		t.Errorf("got %q", got)
	}
}

// TestImagesAreToldTheirCommit in both ways in which they are built.
func TestImagesAreToldTheirCommit(t *testing.T) {
	for _, file := range []string{"../../deploy/Dockerfile", "../../deploy/images.sh"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "-ldflags") && !strings.Contains(line, "-X github.com/cardea-rtc/cardea/proto/version.Commit=") {
				t.Errorf("%s: %s", file, line)
			}
		}
	}
}
