package recording

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOff is what a node without a folder says.
var ErrOff = errors.New("no folder for recordings is set")

// Folder is where recordings are. A nil *Folder takes none.
type Folder struct {
	path   string // absolute
	root   *os.Root
	suffix string // of files being written
	log    *slog.Logger
	ending chan struct{} // closed by Close
	ended  sync.WaitGroup
	pool   sync.Pool // of *buffer

	active  atomic.Int64
	dropped atomic.Uint64
	failed  atomic.Uint64

	mu   sync.Mutex
	open map[string]*Recorder // by name
}

// Open makes the folder if need be. Files have the suffix added to their names while they are written; it may be empty.
func Open(dir, suffix string, log *slog.Logger) (*Folder, error) {
	if strings.ContainsAny(suffix, `/\`+"\x00") {
		return nil, fmt.Errorf("suffix %q of recordings is no part of a file's name", suffix)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of recordings: %w", err)
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of recordings: %w", err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("folder of recordings: %w", err)
	}
	if suffix != "" && suffix[0] != '.' {
		suffix = "." + suffix
	}
	f := &Folder{path: absolute, root: root, suffix: suffix, log: log, ending: make(chan struct{}), open: map[string]*Recorder{}}
	f.pool.New = func() any { return new(buffer) }
	return f, nil
}

// Close ends all recordings that are left, and waits until their files are whole.
func (f *Folder) Close() error {
	if f == nil {
		return nil
	}
	close(f.ending)
	f.ended.Wait()
	return f.root.Close()
}

// Active is how many files are being written.
func (f *Folder) Active() int {
	if f == nil {
		return 0
	}
	return int(f.active.Load())
}

// Dropped is how many packets and messages were not written, since the disk did not keep up or failed.
func (f *Folder) Dropped() uint64 {
	if f == nil {
		return 0
	}
	return f.dropped.Load()
}

// Failed is how many files could not be written, or not to their end.
func (f *Folder) Failed() uint64 {
	if f == nil {
		return 0
	}
	return f.failed.Load()
}

// Record begins a file. A finished one that has the name already gets another: see keepFormer. name is a path within the folder, separated by
// slashes, or the whole path of such a file; one that leads out of it, or names a file that is being written, is an error. It does not wait for the disk:
// what goes wrong there is in the log.
func (f *Folder) Record(name string, h Header, log *slog.Logger) (*Recorder, error) {
	if f == nil {
		return nil, ErrOff
	}
	name, ok := f.Within(name)
	if !ok {
		return nil, fmt.Errorf("%q is no name within the folder of recordings", name)
	}
	r := &Recorder{
		folder: f, name: name, header: h, log: log.With("file", name), created: time.Now(),
		queue: make(chan frame, maxQueued), next: f.pool.Get().(*buffer), done: make(chan struct{}),
	}
	f.mu.Lock()
	before := f.open[name]
	if before != nil && !before.closed.Load() {
		f.mu.Unlock()
		return nil, fmt.Errorf("%q is being written", name)
	}
	f.open[name] = r
	f.mu.Unlock()
	f.active.Add(1)
	f.ended.Go(func() {
		defer f.left(r)
		if before != nil {
			<-before.done
		}
		r.run()
	})
	return r, nil
}

// Within makes name relative to the folder; it is not ok, and as it was, if it leads elsewhere. os.Root follows no link that does.
func (f *Folder) Within(name string) (string, bool) {
	if f == nil {
		return name, false
	}
	relative := name
	if filepath.IsAbs(name) {
		var err error
		if relative, err = filepath.Rel(f.path, name); err != nil {
			return name, false
		}
	}
	if !filepath.IsLocal(relative) || relative == "." || strings.ContainsAny(relative, "\x00\\") {
		return name, false
	}
	return path.Clean(relative), true
}

func (f *Folder) left(r *Recorder) {
	f.active.Add(-1)
	close(r.done)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[r.name] == r {
		delete(f.open, r.name)
	}
}
