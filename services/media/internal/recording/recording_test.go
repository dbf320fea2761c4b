package recording

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T, dir, suffix string) *Folder {
	t.Helper()
	f, err := Open(dir, suffix, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func record(t *testing.T, f *Folder, name string, h Header) *Recorder {
	t.Helper()
	r, err := f.Record(name, h, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func send(r *Recorder, payload string) { r.SendRTP(r.Buffer(), []byte(payload)) }

// read takes a file apart.
func read(t *testing.T, path string) (header map[string]any, frames []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(b, []byte("MJR00002"))
	if !ok {
		t.Fatalf("%s begins with %q", path, b[:min(8, len(b))])
	}
	n := int(binary.BigEndian.Uint16(rest))
	if err := json.Unmarshal(rest[2:2+n], &header); err != nil {
		t.Fatal(err)
	}
	for rest = rest[2+n:]; len(rest) > 0; {
		if string(rest[:4]) != "MEET" {
			t.Fatalf("frame %d begins with %q", len(frames), rest[:4])
		}
		n := int(binary.BigEndian.Uint16(rest[8:]))
		frames = append(frames, string(rest[10:10+n]))
		rest = rest[10+n:]
	}
	return header, frames
}

func TestFileHasHeaderAndFrames(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, "")
	r := record(t, f, "a/b/x-video-1.mjr", Header{
		Type: Video, Codec: "vp8", Fmtp: "k=v", Description: "desk", Extensions: map[uint8]string{13: "urn:3gpp:video-orientation"}, E2EE: true,
	})
	send(r, "one")
	send(r, "two")
	r.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	header, frames := read(t, filepath.Join(dir, "a/b/x-video-1.mjr"))
	if fmt.Sprint(frames) != "[one two]" {
		t.Errorf("frames %q", frames)
	}
	created, first := header["s"].(float64), header["u"].(float64)
	if created > first || time.Since(time.UnixMicro(int64(created))) > time.Hour {
		t.Errorf("created %f, first written %f", created, first)
	}
	delete(header, "s")
	delete(header, "u")
	if got, want := fmt.Sprint(header), "map[c:vp8 d:desk e:true f:k=v t:v x:map[13:urn:3gpp:video-orientation]]"; got != want {
		t.Errorf("header %s, want %s", got, want)
	}
}

// TestFileOfSilence: as at Janus, its name says what would have been there, and others than its owner can read it.
func TestFileOfSilence(t *testing.T) {
	before := syscall.Umask(0o022)
	defer syscall.Umask(before)
	dir := filepath.Join(t.TempDir(), "made")
	f := open(t, dir, "")
	record(t, f, "a/x-audio-0.mjr", Header{Type: Audio, Codec: "opus"}).Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a/x-audio-0.mjr")); err != nil || string(b) != "MJR00002" {
		t.Errorf("%q, %v", b, err)
	}
	for name, mode := range map[string]os.FileMode{"": 0o755, "a": 0o755, "a/x-audio-0.mjr": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestMessagesCarryTheirTime(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, "")
	r := record(t, f, "x-data-0.mjr", Header{Type: Data})
	r.Message([]byte("hello"))
	r.Message(make([]byte, maxFrame)) // has no place in a file
	if err := f.Close(); err != nil { // without Close of the recorder
		t.Fatal(err)
	}
	header, frames := read(t, filepath.Join(dir, "x-data-0.mjr"))
	if header["t"] != "d" || header["c"] != "text" {
		t.Errorf("header %v", header)
	}
	if len(frames) != 1 || frames[0][8:] != "hello" {
		t.Fatalf("frames %q", frames)
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64([]byte(frames[0]))))
	if since := time.Since(at); since < 0 || since > time.Hour {
		t.Errorf("message of %v", at)
	}
	if f.Dropped() != 1 {
		t.Errorf("%d dropped", f.Dropped())
	}
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, "dangling.mjr")); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir, "")
	for _, name := range []string{
		"/tmp/x.mjr", dir, dir + "/", dir + "x/x.mjr", dir + "/../x.mjr", filepath.Join(outside, "x.mjr"), "/", "../x.mjr", "a/../../x.mjr", "", "a\x00b", `..\x`,
	} {
		if _, err := f.Record(name, Header{Type: Audio}, quiet); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	for _, name := range []string{"link/x.mjr", "dangling.mjr", dir + "/link/y.mjr"} {
		r := record(t, f, name, Header{Type: Audio})
		send(r, "packet")
		r.Close()
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("outside are %v, %v", left, err)
	}
	if f.Failed() != 3 {
		t.Errorf("%d failed", f.Failed())
	}
}

func TestOneFileIsWrittenByOne(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, "tmp")
	first := record(t, f, "x.mjr", Header{Type: Audio})
	if _, err := f.Record("./x.mjr", Header{Type: Audio}, quiet); err == nil {
		t.Error("two write one file")
	}
	send(first, "first")
	first.Close()
	second := record(t, f, "x.mjr", Header{Type: Audio}) // though the first may not have ended
	send(second, "second")
	second.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, frames := read(t, filepath.Join(dir, "x.mjr")); fmt.Sprint(frames) != "[second]" {
		t.Errorf("frames %q", frames)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// A pipe that nobody reads is a disk that does not keep up.
func TestSlowDiskIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "x.mjr"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir, "")
	r := record(t, f, "x.mjr", Header{Type: Video})
	for range maxQueued + 10 {
		send(r, strings.Repeat("x", 1000))
	}
	if n := f.Dropped(); n == 0 || n > 10 {
		t.Errorf("%d dropped", n)
	}
	reader, err := os.Open(filepath.Join(dir, "x.mjr"))
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	go func() { _, _ = new(bytes.Buffer).ReadFrom(reader); _ = reader.Close() }()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A device on which there is never room stands for a full disk.
func TestFullDiskEndsTheRecordingAlone(t *testing.T) {
	dir := t.TempDir()
	const full = 1<<8 | 7 // the numbers of /dev/full
	if err := syscall.Mknod(filepath.Join(dir, "x.mjr"), syscall.S_IFCHR|0o666, full); err != nil {
		t.Skip("only root makes devices: ", err)
	}
	if f, err := os.OpenFile(filepath.Join(dir, "x.mjr"), os.O_WRONLY, 0); err != nil {
		t.Skip("devices cannot be opened here: ", err)
	} else {
		_ = f.Close()
	}
	f := open(t, dir, "")
	var log bytes.Buffer
	r, err := f.Record("x.mjr", Header{Type: Video}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	other := record(t, f, "y.mjr", Header{Type: Video})
	const most = 100_000
	for range most {
		if send(r, strings.Repeat("x", 1400)); f.Failed() != 0 && f.Dropped() != 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	send(other, "packet")
	r.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Failed() != 1 || f.Dropped() == 0 || !strings.Contains(log.String(), "no space left") {
		t.Errorf("%d failed, %d dropped, log %q", f.Failed(), f.Dropped(), log.String())
	}
	if _, frames := read(t, filepath.Join(dir, "y.mjr")); fmt.Sprint(frames) != "[packet]" {
		t.Errorf("frames of the other file %q", frames)
	}
}

// TestFinishedFilesAreKept: a name is the newest recording's, as where Janus writes over the former; that is kept beside it.
func TestFinishedFilesAreKept(t *testing.T) {
	for _, suffix := range []string{"", "part"} {
		dir := t.TempDir()
		for _, content := range []string{"first", "second", "third"} {
			f := open(t, dir, suffix)
			r := record(t, f, "x.mjr", Header{Type: Video})
			send(r, content)
			r.Close()
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.mjr"))
		if err != nil || len(files) != 3 {
			t.Fatalf("files %q, %v", files, err)
		}
		if _, frames := read(t, filepath.Join(dir, "x.mjr")); fmt.Sprint(frames) != "[third]" {
			t.Errorf("the name has %q", frames)
		}
		found := map[string]bool{}
		for _, file := range files {
			_, frames := read(t, file)
			found[fmt.Sprint(frames)] = true
		}
		if len(found) != 3 {
			t.Errorf("found %v", found)
		}
	}
}

func TestAWholePathWithinTheFolderIsTaken(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, "")
	r := record(t, f, filepath.Join(dir, "rooms", "x.mjr"), Header{Type: Audio})
	if _, err := f.Record("rooms/x.mjr", Header{Type: Audio}, quiet); err == nil {
		t.Error("the file is written twice, by its whole path and by the one within the folder")
	}
	send(r, "packet")
	r.Close()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, frames := read(t, filepath.Join(dir, "rooms", "x.mjr")); fmt.Sprint(frames) != "[packet]" {
		t.Errorf("frames %q", frames)
	}
}
