package main

import (
	"bytes"
	"os"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// The test's own program has the library that it uses.
func TestModulesOfAProgramAreListed(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(&out, program, "cardea/test", "1.2.3"); err != nil {
		t.Fatal(err)
	}
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(&out, cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	if got := bom.Metadata.Component; got.Name != "cardea/test" || got.Version != "1.2.3" {
		t.Errorf("describes %s %s", got.Name, got.Version)
	}
	found := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		found[c.Name] = c
	}
	library := found["github.com/CycloneDX/cyclonedx-go"]
	if library.PackageURL != "pkg:golang/github.com/CycloneDX/cyclonedx-go@"+library.Version || library.Hashes == nil || len((*library.Hashes)[0].Value) != 64 {
		t.Errorf("the library is described as %+v", library)
	}
	if found["std"].Version == "" {
		t.Error("Go's own packages are missing")
	}
}

func TestWhatIsNoProgramIsRefused(t *testing.T) {
	if err := write(new(bytes.Buffer), "main.go", "a", "1"); err == nil {
		t.Error("main.go was taken for a program")
	}
}
