//go:build e2e

package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// recordRoom has a tab publish in a room that records, until it is told not to, and returns what the files are called
// and what their headers say.
func recordRoom(t *testing.T, url, dir, recDir, query string) map[string]string {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, url, "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 8003, "publishers": 6, "record": true, "rec_dir": recDir})
	tab := chrome.Start(t).Open(t, "recorded", demos.Serve(t, url)+"/mvideoroomtest.html?room=8003"+query)
	tab.Click("#start")
	tab.Type("#username", "recorded")
	tab.Click("#register")
	tab.WaitVideos(1, 40*time.Second)
	waitFiles(t, dir, 200_000)
	must(ctx, t, conn, session, handle, janus.Object{"request": "enable_recording", "room": 8003, "record": false})
	heads := map[string]string{}
	for _, path := range settledFiles(t, dir) {
		name := regexp.MustCompile(`\d{6,}`).ReplaceAllString(filepath.Base(path), "N")
		heads[name] = headOf(t, path)
	}
	return heads
}

// waitFiles waits until there is sound and video, the latter of some size.
func waitFiles(t *testing.T, dir string, size int64) {
	t.Helper()
	big := func(pattern string, size int64) bool {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		return slices.ContainsFunc(files, func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && info.Size() > size
		})
	}
	for deadline := time.Now().Add(time.Minute); !big("*-video*.mjr", size) || !big("*-audio*.mjr", size/50); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			t.Fatalf("no recordings of such a size, but %q", files)
		}
	}
}

// settledFiles returns the recordings once they do not grow any more.
func settledFiles(t *testing.T, dir string) []string {
	t.Helper()
	sizes := func() string {
		var all []string
		files, _ := filepath.Glob(filepath.Join(dir, "*.mjr"))
		for _, path := range files {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(path, info.Size()))
		}
		return strings.Join(all, "\n")
	}
	before := sizes()
	for deadline := time.Now().Add(time.Minute); ; before = sizes() {
		time.Sleep(3 * time.Second) // longer than files are kept back
		if sizes() == before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("files go on growing:\n%s", before)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.mjr"))
	return files
}

// headOf is what a recording's header says, without times.
func headOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 10 || string(b[:8]) != "MJR00002" {
		t.Fatalf("%s begins with %q", path, b[:min(len(b), 10)])
	}
	var head map[string]any
	if err := json.Unmarshal(b[10:10+binary.BigEndian.Uint16(b[8:])], &head); err != nil {
		t.Fatal(err)
	}
	delete(head, "s")
	delete(head, "u")
	return fmt.Sprint(head)
}

// convert makes a file that plays of a recording, and returns what ffprobe says of its stream. Decoding it must show no error.
func convert(t *testing.T, mjr, extension string) map[string]string {
	t.Helper()
	out := strings.TrimSuffix(mjr, ".mjr") + "." + extension
	if b, err := exec.CommandContext(t.Context(), "janus-pp-rec", mjr, out).CombinedOutput(); err != nil {
		t.Fatalf("janus-pp-rec: %v\n%s", err, b)
	}
	b, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", out).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	var probed struct{ Streams []map[string]any }
	if err := json.Unmarshal(b, &probed); err != nil || len(probed.Streams) != 1 {
		t.Fatalf("ffprobe says %s: %v", b, err)
	}
	b, err = exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", out, "-f", "null", "-").CombinedOutput()
	complaints := slices.DeleteFunc(slices.Collect(strings.Lines(string(b))), func(line string) bool {
		// A busy machine's camera has two pictures in the time of one, which is no fault of the file.
		return strings.Contains(line, "non monotonically increasing dts to muxer")
	})
	if err != nil || len(complaints) > 0 {
		t.Errorf("%s is not sound: %v\n%s", filepath.Base(out), err, complaints)
	}
	said := map[string]string{}
	for key, value := range probed.Streams[0] {
		said[key] = fmt.Sprint(value)
	}
	return said
}

// TestRecordings records what Chromium sends, in the same files as Janus does, and makes videos of them by Janus's own tool.
func TestRecordings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := cluster.StartStandalone(t, "--record-dir", dir)
	t.Run("room", func(t *testing.T) {
		ours := recordRoom(t, s.URL, filepath.Join(dir, "of", "room"), "of/room", "")
		check(t, filepath.Join(dir, "of", "room"))
		theirDir := t.TempDir()
		theirs := recordRoom(t, cluster.StartJanus(t), theirDir, theirDir, "")
		if fmt.Sprint(ours) != fmt.Sprint(theirs) {
			t.Errorf("ours   %v\ntheirs %v", ours, theirs)
		}
	})
	t.Run("simulcast", func(t *testing.T) {
		recordRoom(t, cluster.StartStandalone(t, "--record-dir", filepath.Join(dir, "layers")).URL, filepath.Join(dir, "layers"), "", "&simulcast=true")
		check(t, filepath.Join(dir, "layers"))
	})
	t.Run("echo", func(t *testing.T) {
		tab := chrome.Start(t).Open(t, "echo", demos.Serve(t, s.URL)+"/echotest.html")
		tab.Click("#start")
		tab.WaitVideos(2, 40*time.Second)
		chrome.Eval[bool](tab, `(echotest.send({message: {record: true, filename: 'echo/mine'}}), true)`)
		waitFiles(t, filepath.Join(dir, "echo"), 200_000)
		chrome.Eval[bool](tab, `(echotest.send({message: {record: false}}), true)`)
		settledFiles(t, filepath.Join(dir, "echo"))
		check(t, filepath.Join(dir, "echo"))
		if _, err := os.Stat(filepath.Join(dir, "echo", "mine-video.mjr")); err != nil {
			t.Error(err)
		}
	})
}

// check makes files that play of all recordings in a folder.
func check(t *testing.T, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*.mjr"))
	seen := map[string]bool{}
	for _, path := range files {
		switch {
		case strings.Contains(path, "-audio"):
			if said := convert(t, path, "opus"); said["codec_name"] != "opus" || len(said["nb_read_packets"]) < 2 {
				t.Errorf("%s: %v", path, said)
			}
			seen["audio"] = true
		case strings.Contains(path, "-video"):
			if said := convert(t, path, "webm"); said["codec_name"] != "vp8" || said["width"] == "0" || len(said["nb_read_packets"]) < 2 {
				t.Errorf("%s: %v", path, said)
			} else {
				t.Logf("%s: %sx%s, %s pictures", filepath.Base(path), said["width"], said["height"], said["nb_read_packets"])
			}
			seen["video"] = true
		}
	}
	if !seen["audio"] || !seen["video"] {
		t.Errorf("of %q something is missing", files)
	}
}
