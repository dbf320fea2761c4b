package check

import (
	"fmt"
	"os"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

// Where things are, seen from this folder.
const (
	Chart     = "../helm/cardea"
	Examples  = Chart + "/examples"
	Plain     = "../kubernetes"
	Namespace = "cardea"
)

// Document is one object that the chart renders.
type Document struct {
	Name string // of the template
	Text string // YAML
}

// ReadValues reads a file of values.
func ReadValues(file string) (map[string]any, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(b, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return values, nil
}

// Render is what helm install of a release named cardea would create, in the order in which it would.
func Render(values map[string]any) ([]Document, error) {
	chart, err := loader.Load(Chart)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "cardea", Namespace: Namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, release, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if base := path.Base(name); strings.HasPrefix(base, "_") || base == "NOTES.txt" || path.Ext(base) == ".tpl" {
			delete(files, name)
		}
	}
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	var documents []Document
	for _, m := range manifests {
		documents = append(documents, Document{Name: m.Name, Text: m.Content})
	}
	return documents, nil
}
