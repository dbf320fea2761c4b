//go:build e2e

package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// TestPcapOfAnEcho has an administrator capture the packets of a handle that hears its own echo.
func TestPcapOfAnEcho(t *testing.T) {
	dir := t.TempDir()
	c := cluster.StartStandalone(t, "--pcap-dir", dir)
	ctx, hangUp := context.WithTimeout(t.Context(), 2*time.Minute)
	defer hangUp()
	played := make(chan error, 1)
	go func() {
		_, err := talk.Play(ctx, c.URL, "al create\nal attach janus.plugin.echotest echo\nal.echo offer av {\"audio\":true,\"video\":true}\nwait 15s\nal destroy")
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

	const truncate = 20
	if got := administer(t, c.Admin+path, "start_pcap", `,"folder":"../.."`); got["janus"] != "error" {
		t.Errorf("outside of the folder: %v", got)
	}
	within("start_pcap", func() bool { // as soon as there is a PeerConnection
		got := administer(t, c.Admin+path, "start_pcap", fmt.Sprintf(`,"folder":"echo","filename":"a.pcap","truncate":%d`, truncate))
		return got["janus"] == "success"
	})
	file := filepath.Join(dir, "echo", "a.pcap")
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

// captured counts the packets of a pcap file by their source port; of each truncate bytes at most follow the headers.
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
		if binary.BigEndian.Uint16(b[16+34:]) == 1000 {
			inbound++
		} else {
			outbound++
		}
		b = b[16+kept:]
	}
	return inbound, outbound
}
