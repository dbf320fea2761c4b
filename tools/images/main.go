// Command images makes of programs that are there already, by architecture, images of each service: written as archives for
// docker load, and, where told to, pushed to a registry, with an index of all architectures. It needs no container engine.
// What an image has is that of deploy/Dockerfile: the program, authorities for TLS, and nobody as user.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// batch is what is made at once.
type batch struct {
	dir             string // DIR/ARCH/SERVICE are the programs; archives come beside them
	authorities     string // PEM file
	version, commit string
	platforms       []string // architectures
	with            []string // SERVICE/PROGRAM: a further program of a service's image, from DIR/ARCH/PROGRAM
	push            string   // before cardea/SERVICE; empty for no registry
}

func main() {
	var b batch
	flag.StringVar(&b.dir, "dir", "", "folder of ARCH/SERVICE")
	flag.StringVar(&b.authorities, "authorities", "", "PEM file that becomes /etc/ssl/certs/ca-certificates.crt")
	flag.StringVar(&b.version, "version", "dev", "tag and label")
	flag.StringVar(&b.commit, "commit", "", "label")
	flag.StringVar(&b.push, "push", "", "registry and path to push to; logins are those of docker login")
	platforms := flag.String("platforms", "amd64 arm64", "architectures")
	with := flag.String("with", "", "SERVICE/PROGRAM: further programs of images")
	flag.Parse()
	b.with = strings.Fields(*with)
	b.platforms = strings.Fields(*platforms)
	for _, service := range flag.Args() {
		if err := b.make(service, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "images: %s: %v\n", service, err)
			os.Exit(1)
		}
	}
}

// make writes an archive for each architecture, DIR/ARCH/SERVICE.tar, and pushes.
func (b *batch) make(service string, said io.Writer) error {
	repository, err := name.NewRepository(strings.TrimPrefix(strings.TrimSuffix(b.push, "/")+"/cardea/"+service, "/"))
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range b.platforms {
		image, err := b.image(service, arch)
		if err != nil {
			return err
		}
		tag := repository.Tag(b.version + "-" + arch)
		if err := tarball.WriteToFile(filepath.Join(b.dir, arch, service+".tar"), tag, image); err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	if b.push == "" {
		return nil
	}
	tag := repository.Tag(b.version)
	if err := remote.WriteIndex(tag, index, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push %s: %w", tag, err)
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(said, "%s@%s\n", tag, digest)
	return err
}

func (b *batch) image(service, arch string) (v1.Image, error) {
	files, err := b.files(service, arch)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Config = v1.Config{
		User: "65532:65532", Entrypoint: []string{"/" + service},
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "/" + service, "healthcheck"}},
		Labels: map[string]string{
			"org.opencontainers.image.source":   "https://github.com/cardea-rtc/cardea",
			"org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.version":  b.version,
			"org.opencontainers.image.revision": b.commit,
			"org.opencontainers.image.title":    "cardea/" + service,
		},
	}
	return mutate.ConfigFile(image, config)
}

// files is the image's only layer, a tar without times or owners, so that the same programs make the same image.
func (b *batch) files(service, arch string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	type file struct {
		from, to string
		mode     int64
	}
	files := []file{
		{b.authorities, "etc/ssl/certs/ca-certificates.crt", 0o644},
		{filepath.Join(b.dir, arch, service), service, 0o755},
	}
	for _, with := range b.with {
		if of, program, _ := strings.Cut(with, "/"); of == service {
			files = append(files, file{filepath.Join(b.dir, arch, program), program, 0o755})
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file.from)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file.to, Mode: file.mode, Size: int64(len(text))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil { // which writes the archive's end
		return nil, err
	}
	return out.Bytes(), nil
}
