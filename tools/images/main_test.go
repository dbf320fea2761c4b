package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// prepared is a batch of made-up programs of a service "media".
func prepared(t *testing.T) *batch {
	t.Helper()
	b := &batch{dir: t.TempDir(), version: "1.2.3", commit: "abc", platforms: []string{"amd64", "arm64"}, with: []string{"media/ctl", "other/none"}}
	b.authorities = filepath.Join(b.dir, "authorities.pem")
	write := func(file, text string) {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(b.authorities, "PEM")
	for _, arch := range b.platforms {
		write(filepath.Join(b.dir, arch, "media"), "program of "+arch)
		write(filepath.Join(b.dir, arch, "ctl"), "tool of "+arch)
	}
	return b
}

func holds(t *testing.T, image v1.Image, arch string) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if config.OS != "linux" || config.Architecture != arch || c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/media"}) ||
		!slices.Equal(c.Healthcheck.Test, []string{"CMD", "/media", "healthcheck"}) ||
		c.Labels["org.opencontainers.image.version"] != "1.2.3" || c.Labels["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("%s is %s/%s with %+v", arch, config.OS, config.Architecture, c)
	}
	files := mutate.Extract(image)
	defer func() { _ = files.Close() }()
	content, err := io.ReadAll(files)
	if err != nil || !bytes.Contains(content, []byte("program of "+arch)) || !bytes.Contains(content, []byte("tool of "+arch)) || !bytes.Contains(content, []byte("etc/ssl/certs/ca-certificates.crt")) {
		t.Errorf("%s has not its program and authorities: %v", arch, err)
	}
}

func TestImagesArePushedForAllArchitecturesUnderOneName(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	b := prepared(t)
	b.push = strings.TrimPrefix(server.URL, "http://") + "/team/"
	var said bytes.Buffer
	if err := b.make("media", &said); err != nil {
		t.Fatal(err)
	}
	tag := b.push + "cardea/media:1.2.3"
	if !strings.HasPrefix(said.String(), tag+"@sha256:") {
		t.Errorf("said %q", said.String())
	}
	ref, err := name.ParseReference(tag)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range b.platforms {
		image, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		holds(t, image, arch)
	}
}

func TestArchivesCanBeLoadedAndAreAlwaysTheSame(t *testing.T) {
	b := prepared(t)
	var before []byte
	for range 2 {
		if err := b.make("media", io.Discard); err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(filepath.Join(b.dir, "arm64", "media.tar"))
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, now) {
			t.Error("the same programs made another image")
		}
		before = now
	}
	tag, err := name.NewTag("cardea/media:1.2.3-arm64")
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(filepath.Join(b.dir, "arm64", "media.tar"), &tag)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, image, "arm64")
}

func TestMissingProgramIsAnError(t *testing.T) {
	b := prepared(t)
	if err := b.make("signaling", io.Discard); err == nil {
		t.Error("made an image without a program")
	}
}

func TestLayersAreWholeArchives(t *testing.T) {
	b := prepared(t)
	layer, err := b.files("media", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if end := make([]byte, 1024); len(layer)%512 != 0 || !bytes.HasSuffix(layer, end) { // two empty blocks (POSIX, pax)
		t.Errorf("%d bytes without an archive's end", len(layer))
	}
}
