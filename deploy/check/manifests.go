package check

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Plains are the examples of which there are plain manifests.
var Plains = []string{"host-port", "pod-load-balancers", "pod-node-ports", "stunner"}

var helms = regexp.MustCompile(`(?m)^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n`)

// Manifest is what an example renders, for kubectl apply, with the namespace that it is for.
func Manifest(example string) (string, error) {
	values, err := ReadValues(filepath.Join(Examples, example+".yaml"))
	if err != nil {
		return "", err
	}
	documents, err := Render(values)
	if err != nil {
		return "", err
	}
	level := "restricted"
	if example == "host-port" {
		level = "privileged" // less forbids ports of the host
	}
	var out strings.Builder
	fmt.Fprintf(&out, `# Rendered from the chart with examples/%s.yaml, by make manifests. docs/kubernetes.md tells what to change.
apiVersion: v1
kind: Namespace
metadata:
  name: %s
  labels: {pod-security.kubernetes.io/enforce: %s}
`, example, Namespace, level)
	for _, d := range documents {
		text := helms.ReplaceAllString(d.Text, "")
		text = regexp.MustCompile(`(?m)^# Source: .*\n`).ReplaceAllString(text, "")
		text = regexp.MustCompile(`(?m)[ \t]+$`).ReplaceAllString(text, "")
		text = regexp.MustCompile(`\n{2,}`).ReplaceAllString(text, "\n")
		fmt.Fprintf(&out, "---\n%s\n", strings.TrimSpace(text))
	}
	return out.String(), nil
}
