//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// TestPcapOfAnEcho has an administrator capture the packets of a handle that hears its own echo.
func TestPcapOfAnEcho(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := cluster.StartStandalone(t, "--pcap-dir", dir)
	ctx, hangUp := context.WithTimeout(t.Context(), 2*time.Minute)
	defer hangUp()
	played := make(chan error, 1)
	go func() {
		_, err := talk.Play(ctx, c.URL, "al create\nal attach janus.plugin.echotest echo\nwait 10s\nal.echo offer av {\"audio\":true,\"video\":true}\nwait 15s\nal destroy")
		played <- err
	}()
	within := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not in time", what)
			}
		}
	}
	first := func(path, request, member string) string {
		var found string
		within(request, func() bool {
			all, _ := administer(t, c.Admin+path, request, "")[member].([]any)
			if len(all) > 0 {
				found = fmt.Sprint(all[0])
			}
			return found != ""
		})
		return found
	}
	path := "/" + first("", "list_sessions", "sessions")
	path += "/" + first(path, "list_handles", "handles")

	const truncate = 48 // RTP headers, and what begins a key frame
	if got := administer(t, c.Admin+path, "start_pcap", `,"folder":"../.."`); got["janus"] != "error" {
		t.Errorf("outside of the folder: %v", got)
	}
	// Before there is a PeerConnection, with which it begins.
	got := administer(t, c.Admin+path, "start_pcap", fmt.Sprintf(`,"folder":"echo","filename":"a.pcap","truncate":%d`, truncate))
	if got["janus"] != "success" {
		t.Fatalf("start_pcap: %v", got)
	}
	file := filepath.Join(dir, "echo", "a.pcap")
	within("the file", func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
	within("packets both ways", func() bool {
		inbound, outbound := captured(t, file, truncate)
		return inbound > 20 && outbound > 20
	})
	if got := administer(t, c.Admin+path, "stop_pcap", ""); got["janus"] != "success" {
		t.Errorf("stop_pcap: %v", got)
	}
	if err := <-played; err != nil {
		t.Error(err)
	}
}

// TestSameText2pcapAsJanus has both write packets as text, and compares how lines look.
func TestSameText2pcapAsJanus(t *testing.T) {
	t.Parallel()
	oracle, dirs := cluster.StartWholeJanus(t), []string{t.TempDir(), t.TempDir()}
	cardea := cluster.StartStandalone(t, "--pcap-dir", dirs[1])
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for _, url := range []string{oracle.WS, cardea.URL} {
		wg.Go(func() {
			if _, err := talk.Play(ctx, url, "al create\nal attach janus.plugin.echotest echo\nal.echo offer av {\"audio\":true}\nwait 10s\nal destroy"); err != nil {
				t.Errorf("%s: %v", url, err)
			}
		})
	}
	defer wg.Wait()
	var shapes [2]map[string]bool
	for i, admin := range []string{oracle.Admin, cardea.Admin} {
		path := handleThatIsUp(t, admin)
		const where = `,"folder":%q,"filename":"a.txt","truncate":20`
		steps := []string{"start_text2pcap", "start_text2pcap", "start_pcap", "stop_text2pcap", "stop_text2pcap"}
		var answers []string
		for j, request := range steps {
			if j == 3 {
				time.Sleep(2 * time.Second) // for packets
			}
			answer := administer(t, path, request, fmt.Sprintf(where, dirs[i]))
			answers = append(answers, fmt.Sprint(answer["janus"], object(answer["error"])["reason"]))
		}
		const want = "[success<nil> errortext2pcap already started errorpcap already started success<nil> errorCapture not started]"
		if got := fmt.Sprint(answers); got != want {
			t.Errorf("%s: %s", admin, got)
		}
		b, err := os.ReadFile(filepath.Join(dirs[i], "a.txt"))
		if err != nil {
			t.Fatal(err)
		}
		shapes[i] = lineShapes(string(b))
		t.Logf("%s: %v", admin, slices.Sorted(maps.Keys(shapes[i])))
	}
	for shape := range shapes[0] {
		if !shapes[1][shape] {
			t.Errorf("Cardea has no line such as %q", shape)
		}
	}
	for shape := range shapes[1] {
		if !shapes[0][shape] {
			t.Errorf("Janus has no line such as %q", shape)
		}
	}
}

// lineShapes are how the lines of a file look, but for what differs from packet to packet.
func lineShapes(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			continue // is still being written
		}
		line = regexp.MustCompile(`=\d+`).ReplaceAllString(line, "=0") // ids
		line = regexp.MustCompile(`( [0-9a-f]{2})+`).ReplaceAllString(line, " bytes")
		all[regexp.MustCompile(`\d`).ReplaceAllString(line, "0")] = true
	}
	return all
}

// handleThatIsUp waits for the one handle of a server to have its PeerConnection, and returns its address.
func handleThatIsUp(t *testing.T, admin string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		sessions, _ := administer(t, admin, "list_sessions", "")["sessions"].([]any)
		for _, session := range sessions {
			at := admin + "/" + fmt.Sprint(session)
			handles, _ := administer(t, at, "list_handles", "")["handles"].([]any)
			for _, handle := range handles {
				path := at + "/" + fmt.Sprint(handle)
				info := object(administer(t, path, "handle_info", "")["info"])
				if up, _ := object(info["flags"])["ready"].(bool); up {
					return path
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: no handle is up", admin)
		}
	}
}

// captured counts the packets of a pcap file in which the key frames that package talk sends can be read, by their source port; of
// each truncate bytes at most follow the headers.
func captured(t *testing.T, file string, truncate int) (inbound, outbound int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 24 {
		return 0, 0
	}
	if binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 {
		t.Fatalf("no pcap file: %x", b[:24])
	}
	for b = b[24:]; len(b) >= 16; {
		kept, whole := int(binary.LittleEndian.Uint32(b[8:])), int(binary.LittleEndian.Uint32(b[12:]))
		if kept > 42+truncate || kept > whole {
			t.Fatalf("%d bytes kept of %d", kept, whole)
		}
		if len(b) < 16+kept {
			break
		}
		switch plain := bytes.Contains(b[16:16+kept], []byte{0x9d, 0x01, 0x2a}); {
		case !plain: // RTCP
		case binary.BigEndian.Uint16(b[16+34:]) == 1000:
			inbound++
		default:
			outbound++
		}
		b = b[16+kept:]
	}
	return inbound, outbound
}
