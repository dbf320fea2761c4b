// Package capture writes decrypted packets of one peer to a pcap file, for people to look at. Whoever has packets never
// waits for the file: what it does not take in time is left out and counted.
package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Why no file was made. These are an administrator's to mend.
var (
	ErrOff     = errors.New("captures are off")
	ErrOutside = errors.New("folder or filename leads outside of the folder for captures")
	ErrExists  = errors.New("there is a file of that name")
)

// Folder is where files may be.
type Folder struct {
	path string
	root *os.Root
	most int64
}

// OpenFolder opens an existing folder, for files of up to most bytes.
func OpenFolder(path string, most int64) (*Folder, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("folder for captures: %w", err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("folder for captures: %w", err)
	}
	return &Folder{path: absolute, root: root, most: most}, nil
}

// Close lets go of the folder; nil is one that is not there.
func (f *Folder) Close() {
	if f != nil {
		_ = f.root.Close()
	}
}

// Create makes a new pcap file and returns its path. folder is one below the folder, which is made, or its whole path; empty for
// the folder itself. An empty filename has one made up. Of each packet truncate bytes are kept, 0 for all. Run is to be
// called.
func (f *Folder) Create(folder, filename string, truncate uint32, now time.Time) (*Capture, string, error) {
	return f.create(pcap, folder, filename, truncate, now)
}

// CreateText is Create for a file that text2pcap reads; of says whose packets these are.
func (f *Folder) CreateText(of, folder, filename string, truncate uint32, now time.Time) (*Capture, string, error) {
	c, path, err := f.create(text2pcap, folder, filename, truncate, now)
	if err == nil {
		c.of = of
	}
	return c, path, err
}

// Check returns the path that Create, or CreateText for text, would return now, or why it would fail. It makes nothing.
func (f *Folder) Check(folder, filename string, text bool, now time.Time) (string, error) {
	format := pcap
	if text {
		format = text2pcap
	}
	below, filename, err := f.named(format, folder, filename, now)
	if err != nil {
		return "", err
	}
	name := path.Join(below, filename)
	switch _, err := f.root.Lstat(name); {
	case err == nil:
		return "", ErrExists
	case !errors.Is(err, fs.ErrNotExist):
		return "", confined(err)
	}
	return filepath.Join(f.path, name), nil
}

// named is where a file is to be: a folder below f, and a name in it.
func (f *Folder) named(format format, folder, filename string, now time.Time) (below, name string, err error) {
	if f == nil {
		return "", "", ErrOff
	}
	if below, err = f.below(folder); err != nil {
		return "", "", err
	}
	if filename == "" {
		filename = fmt.Sprintf("capture-%d.%s", now.UnixNano(), format.extension)
	}
	if filename != filepath.Base(filename) || filename == "." || filename == ".." || strings.ContainsRune(filename, 0) {
		return "", "", ErrOutside
	}
	return below, filename, nil
}

func (f *Folder) create(format format, folder, filename string, truncate uint32, now time.Time) (*Capture, string, error) {
	below, filename, err := f.named(format, folder, filename, now)
	if err != nil {
		return nil, "", err
	}
	if below != "." {
		// os.Root follows no link that leads outside.
		if err := f.root.MkdirAll(below, 0o700); err != nil {
			return nil, "", confined(err)
		}
	}
	name := path.Join(below, filename)
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, "", confined(err)
	}
	return newCapture(file, format, truncate, f.most), filepath.Join(f.path, name), nil
}

// below makes folder relative to f.
func (f *Folder) below(folder string) (string, error) {
	if folder == "" {
		return ".", nil
	}
	if filepath.IsAbs(folder) {
		relative, err := filepath.Rel(f.path, folder)
		if err != nil {
			return "", ErrOutside
		}
		folder = relative
	}
	if !filepath.IsLocal(folder) {
		return "", ErrOutside
	}
	return filepath.Clean(folder), nil
}

// confined gives errors of os.Root, whose own is not exported, their meaning.
func confined(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok && strings.Contains(err.Error(), "escapes") {
		return ErrOutside
	}
	return fmt.Errorf("make file: %w", err)
}
