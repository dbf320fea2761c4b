// Command sbom writes what a Go program is made of, as CycloneDX JSON: the modules that the linker has put into it, not
// those that some go.mod names.
package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	name := flag.String("name", "", "of the program")
	version := flag.String("version", "", "of the program")
	flag.Parse()
	if err := write(os.Stdout, flag.Arg(0), *name, *version); err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %v\n", err)
		os.Exit(1)
	}
}

func write(out io.Writer, program, name, version string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	main := cdx.Component{
		BOMRef: name, Type: cdx.ComponentTypeApplication, Name: name, Version: version,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
	}
	components := []cdx.Component{{
		BOMRef: "pkg:golang/std@" + info.GoVersion, Type: cdx.ComponentTypeLibrary, Name: "std", Version: info.GoVersion,
		PackageURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"),
	}}
	for _, m := range info.Deps {
		component, err := describe(m)
		if err != nil {
			return err
		}
		components = append(components, component)
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &main}
	bom.Components = &components
	return cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

// describe names a module by its package URL, and by its sum as go.sum has it: "h1:" and SHA-256 in base 64.
func describe(m *debug.Module) (cdx.Component, error) {
	if m.Replace != nil && m.Replace.Sum != "" {
		m = m.Replace
	}
	url := fmt.Sprintf("pkg:golang/%s@%s", m.Path, m.Version)
	component := cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: url}
	if sum, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
		raw, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return component, fmt.Errorf("sum of %s: %w", m.Path, err)
		}
		component.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
	}
	return component, nil
}
