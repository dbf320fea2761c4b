package check

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// Setting is one of a service, as the service describes it.
type Setting struct {
	Key, Environment string
	File             bool // its value is the name of a file that has to be there
	Default          any  // nil if there is none
}

var (
	described = regexp.MustCompile("(?m)^\\| `--[^`]+` \\| `(CARDEA_[A-Z0-9_]+)` \\| `([a-z0-9-]+)` \\| ([^|]*) \\| (?:`([^`]*)`)? \\|")
	words     = regexp.MustCompile(`(?m)^# ([a-z][a-z0-9-]*): (.*)$`)
)

// Settings are all that a service has.
func (s Services) Settings(service string) (all []Setting, err error) {
	program := filepath.Join(s.Dir, service)
	reference, err := exec.Command(program, "config", "reference").Output()
	if err != nil {
		return nil, fmt.Errorf("%s config reference: %w", service, err)
	}
	sample, err := exec.Command(program, "config", "sample").Output()
	if err != nil {
		return nil, fmt.Errorf("%s config sample: %w", service, err)
	}
	values := map[string]string{}
	for _, m := range words.FindAllStringSubmatch(string(sample), -1) {
		values[m[1]] = m[2]
	}
	for _, m := range described.FindAllStringSubmatch(string(reference), -1) {
		one := Setting{Key: m[2], Environment: m[1], File: m[3] == "file"}
		if m[4] != "" {
			if err := yaml.Unmarshal([]byte(values[one.Key]), &one.Default); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", service, one.Key, err)
			}
		}
		all = append(all, one)
	}
	if len(all) != strings.Count(string(reference), "\n")-2 || len(all) != len(values) {
		return nil, fmt.Errorf("%s: %d settings are described, %d are in the sample", service, len(all), len(values))
	}
	return all, nil
}

// Variables are those that containers of Cardea's have, by service.
func (c *Cluster) Variables() map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, p := range c.pods() {
		for _, container := range p.Template.Spec.Containers {
			service := Named(container.Image)
			if service == "" {
				continue
			}
			if found[service] == nil {
				found[service] = map[string]bool{}
			}
			for _, v := range container.Env {
				found[service][v.Name] = true
			}
		}
	}
	return found
}
