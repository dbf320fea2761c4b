package jwt

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

const mostFile = 1 << 20 // bytes

// file holds what tokens are checked with, and is read again when it has changed.
type file[T any] struct {
	path  string
	parse func([]byte) (T, error)
	log   *slog.Logger

	mu      sync.Mutex // guards what follows
	changed time.Time  // when the file had, that was read last
	size    int64
	value   T
}

func openFile[T any](path string, parse func([]byte) (T, error), log *slog.Logger) (*file[T], error) {
	f := &file[T]{path: path, parse: parse, log: log}
	f.changed, f.size = f.stamp()
	var err error
	f.value, err = f.read()
	return f, err
}

func (f *file[T]) stamp() (time.Time, int64) {
	info, err := os.Stat(f.path)
	if err != nil {
		return time.Time{}, 0
	}
	return info.ModTime(), info.Size()
}

// current returns what the file has now; while it is broken, what it had when it was sound.
func (f *file[T]) current() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed, size := f.stamp()
	if changed.Equal(f.changed) && size == f.size {
		return f.value
	}
	f.changed, f.size = changed, size
	value, err := f.read()
	if err != nil { // as while it is being written
		f.log.Warn("changed keys of tokens are not used", "err", err)
		return f.value
	}
	f.value = value
	f.log.Info("keys of tokens read again", "file", f.path)
	return value
}

func (f *file[T]) read() (value T, err error) {
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
