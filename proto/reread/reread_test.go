package reread

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// put replaces a file by a rename, as a file that is there is never half.
func put(t *testing.T, path, text string) {
	t.Helper()
	other := path + ".new"
	if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsReadAgainWhenItsFileChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	put(t, path, "first\n")
	var logged bytes.Buffer
	s, err := OpenSecret("api-secret-file", path, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil || s.Text() != "first" || !s.Is("first") || s.Is("other") || s.Is("") {
		t.Fatalf("%q, %v", s.Text(), err)
	}
	put(t, path, " other ")
	if !s.Is("other") || s.Is("first") || s.Text() != "other" {
		t.Errorf("is %q", s.Text())
	}
	put(t, path, " \n")
	if !s.Is("other") || s.Is("") {
		t.Errorf("an empty file makes it %q", s.Text())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !s.Is("other") {
		t.Errorf("without its file it is %q", s.Text())
	}
	put(t, path, "third")
	if !s.Is("third") || s.Is("other") {
		t.Errorf("is %q", s.Text())
	}
	for _, text := range []string{"first", "other", "third"} {
		if strings.Contains(logged.String(), text) {
			t.Errorf("%q is logged: %s", text, &logged)
		}
	}
	for _, want := range []string{"level=WARN", "setting=api-secret-file", "the file is empty", "file read again"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("no %q in %s", want, &logged)
		}
	}
}

// TestAFileOfTheSameTimeAndLengthIsAnother: so it is where a secret's folder is replaced as a whole.
func TestAFileOfTheSameTimeAndLengthIsAnother(t *testing.T) {
	path, when := filepath.Join(t.TempDir(), "secret"), time.Unix(1e9, 0)
	set := func(text string) {
		put(t, path+".2", text)
		if err := os.Chtimes(path+".2", when, when); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".2", path); err != nil {
			t.Fatal(err)
		}
	}
	set("one")
	s, err := OpenSecret("x", path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	set("two")
	if !s.Is("two") {
		t.Errorf("is %q", s.Text())
	}
}

func TestNoSecret(t *testing.T) {
	for _, s := range []*Secret{nil, Fixed("")} {
		if s.Is("") || s.Is("x") || s.Text() != "" {
			t.Errorf("%v is something", s)
		}
	}
	if s, err := OpenSecret("x", "", slog.New(slog.DiscardHandler)); s != nil || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := OpenSecret("x-file", path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "x-file") {
		t.Errorf("a file that is not there: %v", err)
	}
	put(t, path, "\n")
	if _, err := OpenSecret("x-file", path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
	put(t, path, strings.Repeat("x", mostFile+1))
	if _, err := OpenSecret("x-file", path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a big file: %v", err)
	}
}

func TestASecretMayBeAskedByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	put(t, path, "a")
	s, err := OpenSecret("x", path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if text := s.Text(); text != "a" && text != "bb" {
					t.Errorf("is %q", text)
				}
			}
		})
	}
	put(t, path, "bb")
	wg.Wait()
	if !s.Is("bb") {
		t.Errorf("is %q", s.Text())
	}
}
