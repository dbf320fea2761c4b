package media

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// capturing starts a capture of a peer and returns the file's path.
func (s *system) capturing(t *testing.T, id *mediav1.PeerID, folder, filename string) (string, error) {
	t.Helper()
	got, err := s.api.StartCapture(t.Context(), &mediav1.StartCaptureRequest{
		SessionId: id.GetSessionId(), HandleId: id.GetHandleId(), Folder: folder, Filename: filename,
	})
	return got.GetFile(), fault.FromStatus(err)
}

// rtpIn counts packets of a file that are of RTP, version 2, by whether the endpoint sent them.
func rtpIn(t *testing.T, path string) (inbound, outbound int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := pcapgo.NewReader(file)
	if err != nil {
		return 0, 0 // not yet written
	}
	source := gopacket.NewPacketSource(r, r.LinkType())
	for {
		p, err := source.NextPacket()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return inbound, outbound
		}
		if err != nil {
			t.Fatal(err)
		}
		udp, ok := p.TransportLayer().(*layers.UDP)
		if !ok || len(udp.Payload) < 12 || udp.Payload[0]>>6 != 2 {
			t.Fatalf("no RTP or RTCP: %v", p)
		}
		if kind := udp.Payload[1]; kind >= 192 && kind <= 223 { // RTCP (RFC 5761, section 4)
			continue
		}
		if udp.SrcPort == 1000 {
			inbound++
		} else {
			outbound++
		}
	}
}

func TestPacketsOfOneHandleAreCaptured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, pub, sub, track := watched(t, func(c *Config) { c.PcapDir, c.PcapMaxBytes = dir, 1<<20 })
	from, err := s.capturing(t, pub.id, "", "from.pcap")
	if err != nil {
		t.Fatal(err)
	}
	to, err := s.capturing(t, sub.id, dir+"/below", "")
	if err != nil {
		t.Fatal(err)
	}
	if from != filepath.Join(dir, "from.pcap") || filepath.Dir(to) != filepath.Join(dir, "below") {
		t.Errorf("files %s, %s", from, to)
	}
	if _, err := s.capturing(t, pub.id, "", "again.pcap"); fault.Text(err) != "pcap already started" {
		t.Errorf("again: %v", err)
	}
	track.next(t)
	wait := func(path string, enough func(inbound, outbound int) bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			inbound, outbound := rtpIn(t, path)
			if enough(inbound, outbound) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d packets in, %d out", path, inbound, outbound)
			}
		}
	}
	wait(from, func(inbound, outbound int) bool { return inbound > 0 && outbound == 0 })
	wait(to, func(inbound, outbound int) bool { return inbound == 0 && outbound > 0 })

	stop := &mediav1.StopCaptureRequest{SessionId: pub.id.GetSessionId(), HandleId: pub.id.GetHandleId()}
	if _, err := s.api.StopCapture(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	if _, err := s.api.StopCapture(t.Context(), stop); fault.Text(fault.FromStatus(err)) != "Capture not started" {
		t.Errorf("stopped again: %v", err)
	}
	// The other goes on until the node ends, which does not wait for it.
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestCapturesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, pub, _, _ := watched(t, func(c *Config) { c.PcapDir, c.PcapMaxBytes = dir, 1<<20 })
	if _, err := s.capturing(t, pub.id, "..", "a"); fault.Of(err) != fault.BadRequest {
		t.Errorf("outside: %v", err)
	}
	if _, err := s.capturing(t, &mediav1.PeerID{SessionId: 9, HandleId: 9}, "", "a"); fault.Of(err) != fault.NoSuchPeer {
		t.Errorf("unknown: %v", err)
	}
	check := func(s *system, folder string) (*mediav1.StartCaptureResponse, error) { // of no peer that there is
		return s.api.StartCapture(t.Context(), &mediav1.StartCaptureRequest{SessionId: 9, HandleId: 9, Folder: folder, Filename: "a", Check: true})
	}
	if got, err := check(s, "below"); err != nil || got.GetFile() != filepath.Join(dir, "below", "a") {
		t.Errorf("a check: %v, %v", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("a check makes %v", left)
	}
	if got, err := check(s, ".."); fault.Of(fault.FromStatus(err)) != fault.BadRequest {
		t.Errorf("a check outside: %v, %v", got, err)
	}
	off, pub, _, _ := watched(t)
	if got, err := check(off, ""); fault.Of(fault.FromStatus(err)) != fault.BadRequest {
		t.Errorf("a check without a folder: %v, %v", got, err)
	}
	if _, err := off.capturing(t, pub.id, "", "a"); fault.Of(err) != fault.BadRequest {
		t.Errorf("without a folder: %v", err)
	}
}
