package capture

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, most int64) (*Folder, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := OpenFolder(dir, most)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, dir
}

// record has packets captured, every other of which came in, and returns what a reader of such files finds.
func record(t *testing.T, truncate uint32, most int64, packets ...[]byte) (*Capture, []gopacket.Packet) {
	t.Helper()
	f, _ := open(t, most)
	c, path, err := f.Create("", "", truncate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range packets {
		c.Packet(p, i%2 == 0)
	}
	c.Close()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := pcapgo.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	source := gopacket.NewPacketSource(r, r.LinkType())
	var read []gopacket.Packet
	for {
		p, err := source.NextPacket()
		if err != nil {
			break
		}
		read = append(read, p)
	}
	return c, read
}

func TestPacketsAreReadAsUDP(t *testing.T) {
	before := time.Now().Truncate(time.Microsecond)
	_, read := record(t, 0, 1<<20, []byte("from the endpoint"), []byte("to it"))
	if len(read) != 2 {
		t.Fatalf("%d packets", len(read))
	}
	for i, want := range []struct {
		text, from, to string
	}{{"from the endpoint", "10.1.1.1", "10.2.2.2"}, {"to it", "10.2.2.2", "10.1.1.1"}} {
		p := read[i]
		ip, isIP := p.NetworkLayer().(*layers.IPv4)
		udp, isUDP := p.TransportLayer().(*layers.UDP)
		if !isIP || !isUDP || ip.SrcIP.String() != want.from || ip.DstIP.String() != want.to || string(udp.Payload) != want.text {
			t.Errorf("packet %d is %v", i, p)
			continue
		}
		if sum := checksum(ip.Contents); sum != 0 { // with its own checksum in it
			t.Errorf("packet %d: checksum of the header is off by %x", i, sum)
		}
		if at := p.Metadata().Timestamp; at.Before(before) || at.After(time.Now()) {
			t.Errorf("packet %d is of %v", i, at)
		}
	}
}

func TestPacketsAreTruncated(t *testing.T) {
	_, read := record(t, 4, 1<<20, []byte("long packet"), []byte("abc"))
	for i, want := range []struct {
		text  string
		whole int
	}{{"long", 11}, {"abc", 3}} {
		meta := read[i].Metadata()
		if got := read[i].Data()[headers:]; string(got) != want.text || meta.Length != headers+want.whole {
			t.Errorf("packet %d: %q of %d bytes", i, got, meta.Length)
		}
	}
}

func TestFilesAreBounded(t *testing.T) {
	one := make([]byte, 100)
	c, read := record(t, 0, 24+3*(16+headers+100), one, one, one, one, one)
	if len(read) != 3 || c.Missed() != 2 {
		t.Errorf("%d packets, %d missed", len(read), c.Missed())
	}
}

func TestAFullQueueLeavesOutAndCounts(t *testing.T) {
	c := newCapture(nil, pcap, 0, 1<<20) // that nobody runs
	for range waiting + 7 {
		c.Packet([]byte("x"), true)
	}
	if c.Missed() != 7 {
		t.Errorf("%d missed", c.Missed())
	}
}

func TestLinesAreForText2pcap(t *testing.T) {
	f, _ := open(t, 1<<20)
	c, path, err := f.CreateText("[session=1][handle=2]", "", "a.txt", 4, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.Packet([]byte{0x80, 0x60, 1, 2, 3}, true)
	c.Packet([]byte{0x81, 201, 0}, false)
	c.Packet(nil, false)
	c.Close()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const clock = `\d\d:\d\d:\d\d\.\d{6} 000000 `
	const of = ` \[session=1\]\[handle=2\]\r\n`
	want := `^I ` + clock + ` 80 60 01 02 JANUS_TEXT2PCAP_RTP` + of + `O ` + clock + ` 81 c9 00 JANUS_TEXT2PCAP_RTCP` + of + `O ` + clock + ` JANUS_TEXT2PCAP_RTP` + of + `$`
	if !regexp.MustCompile(want).Match(got) {
		t.Errorf("got %q", got)
	}
}

// full is a disk without room.
type full struct{ bytes.Buffer }

func (*full) Write([]byte) (int, error) { return 0, errors.New("no space left") }
func (*full) Close() error              { return nil }

func TestAFullDiskEndsTheFileAlone(t *testing.T) {
	c := newCapture(&full{}, pcap, 0, 1<<20)
	var wg sync.WaitGroup
	wg.Go(func() {
		if c.Run() == nil {
			t.Error("nobody is told")
		}
	})
	for range 5000 {
		c.Packet(make([]byte, 1000), true)
	}
	c.Close()
	wg.Wait()
	if c.Missed() == 0 {
		t.Error("what was left out is not counted")
	}
}

func TestFilesStayInTheirFolder(t *testing.T) {
	f, dir := open(t, 1<<20)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ folder, filename string }{
		{"..", "a"}, {"../x", "a"}, {"a/../../x", "a"}, {outside, "a"}, {"/etc", "a"}, {"link", "a"}, {"link/below", "a"},
		{"", "../a"}, {"", "/tmp/a"}, {"", ".."}, {"", "."}, {"", "a/b"}, {"", "a\x00b"},
	} {
		if path, err := f.Check(c.folder, c.filename, false, time.Now()); !errors.Is(err, ErrOutside) {
			t.Errorf("%q, %q: may be at %s, %v", c.folder, c.filename, path, err)
		}
		if made, path, err := f.Create(c.folder, c.filename, 0, time.Now()); !errors.Is(err, ErrOutside) {
			t.Errorf("%q, %q: made %v at %s, %v", c.folder, c.filename, made, path, err)
		}
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("outside there is %v", left)
	}
	for _, c := range []struct{ folder, filename, want string }{
		{"", "a", "a"}, {dir, "b", "b"}, {"below/it", "c", "below/it/c"}, {dir + "/below", "d", "below/d"},
	} {
		checked, err := f.Check(c.folder, c.filename, false, time.Now())
		if _, absent := os.Stat(checked); err != nil || checked != filepath.Join(dir, c.want) || !errors.Is(absent, os.ErrNotExist) {
			t.Errorf("%q, %q: may be at %s, %v, where there is %v", c.folder, c.filename, checked, err, absent)
		}
		made, path, err := f.Create(c.folder, c.filename, 0, time.Now())
		if err != nil || path != filepath.Join(dir, c.want) {
			t.Errorf("%q, %q: %s, %v", c.folder, c.filename, path, err)
			continue
		}
		made.Close()
		if err := made.Run(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := f.Create("", "a", 0, time.Now()); !errors.Is(err, ErrExists) {
		t.Errorf("a file is written over: %v", err)
	}
	if _, err := f.Check("", "a", false, time.Now()); !errors.Is(err, ErrExists) {
		t.Errorf("a file may be written over: %v", err)
	}
	if path, err := f.Check("", "", true, time.Now()); err != nil || filepath.Ext(path) != ".txt" {
		t.Errorf("%s, %v", path, err)
	}
}

func TestWithoutAFolderThereAreNoCaptures(t *testing.T) {
	var f *Folder
	defer f.Close()
	if _, _, err := f.Create("", "a", 0, time.Now()); !errors.Is(err, ErrOff) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Check("", "a", false, time.Now()); !errors.Is(err, ErrOff) {
		t.Errorf("got %v", err)
	}
}

func FuzzCreate(f *testing.F) {
	f.Add("../x", "a")
	f.Fuzz(func(t *testing.T, folder, filename string) {
		in, dir := open(t, 1<<20)
		now := time.Now()
		checked, refused := in.Check(folder, filename, false, now)
		if refused == nil {
			if rel, err := filepath.Rel(dir, checked); err != nil || !filepath.IsLocal(rel) {
				t.Errorf("%q is not in %q", checked, dir)
			}
		}
		c, path, err := in.Create(folder, filename, 0, now)
		if err != nil {
			return
		}
		if refused != nil || checked != path {
			t.Errorf("%q was to be %q, %v", path, checked, refused)
		}
		c.Close()
		if err := c.Run(); err != nil {
			t.Error(err)
		}
		if rel, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(rel) {
			t.Errorf("%q is not in %q", path, dir)
		}
	})
}
