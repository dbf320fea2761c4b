// Package reread has files that are read again when they change, so that a secret that is replaced, as Kubernetes and cert
// managers do, is in force with the next request.
package reread

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
)

const mostFile = 1 << 20 // bytes

// File is what parse makes of a file. It may be used by several goroutines at once.
type File[T any] struct {
	path  string
	parse func([]byte) (T, error)
	log   *slog.Logger

	mu    sync.Mutex  // guards what follows
	stamp os.FileInfo // of the file as it was read last; nil if there was none
	value T
}

// Open reads the file. parse's errors are logged: they must have nothing of a secret in them.
func Open[T any](path string, parse func([]byte) (T, error), log *slog.Logger) (*File[T], error) {
	f := &File[T]{path: path, parse: parse, log: log}
	f.stamp, _ = os.Stat(path)
	var err error
	f.value, err = f.read()
	return f, err
}

// Current returns what the file has now; while it is broken or away, what it had when it was sound.
func (f *File[T]) Current() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	stamp, _ := os.Stat(f.path)
	if same(stamp, f.stamp) {
		return f.value
	}
	f.stamp = stamp
	value, err := f.read()
	if err != nil { // as while it is being written
		f.log.Warn("changed file is not used", "err", err)
		return f.value
	}
	f.value = value
	f.log.Info("file read again", "file", f.path)
	return value
}

// same tells whether a file is as it was. Another in its place, as by a rename, is not.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (f *File[T]) read() (value T, err error) {
	if info, err := os.Stat(f.path); err == nil && info.Size() > mostFile {
		return value, fmt.Errorf("%s has %d bytes, at most %d are read", f.path, info.Size(), mostFile)
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return value, err
	}
	if value, err = f.parse(b); err != nil {
		return value, fmt.Errorf("%s: %w", f.path, err)
	}
	return value, nil
}
