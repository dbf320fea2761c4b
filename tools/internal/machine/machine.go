// Package machine tells where and of what figures are.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine is where and of what figures are.
type Machine struct {
	CPU    string    `json:"cpu"`
	Cores  int       `json:"cores"`
	Kernel string    `json:"kernel"`
	Go     string    `json:"go"`
	Janus  string    `json:"janus"`
	Commit string    `json:"commit"` // of Cardea
	When   time.Time `json:"when"`
}

// This looks around. janus is Janus's program. What cannot be found out is left out.
func This(janus string) Machine {
	return Machine{
		CPU: after(read("/proc/cpuinfo"), "model name"), Cores: runtime.NumCPU(), Kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
		Go: runtime.Version(), Janus: janusVersion(janus), Commit: output("git", "describe", "--always", "--dirty"), When: time.Now().UTC(),
	}
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores; Linux %s; %s; %s; Cardea %s; %s", m.CPU, m.Cores, m.Kernel, m.Go, m.Janus, m.Commit, m.When.Format("2006-01-02 15:04 MST"))
}

// janusVersion is what the program says of itself: "Janus version: 1102 (1.1.2)", somewhere.
func janusVersion(binary string) string {
	for line := range strings.Lines(output(binary, "--version")) {
		if _, rest, ok := strings.Cut(line, "Janus version:"); ok {
			if _, version, ok := strings.Cut(rest, "("); ok {
				version, _, _ = strings.Cut(version, ")")
				return "Janus " + version
			}
		}
	}
	return "Janus " + strings.TrimSpace(output(binary, "--version"))
}

func read(file string) string {
	b, _ := os.ReadFile(file) // what is not known is left out
	return string(b)
}

func output(program string, args ...string) string {
	b, _ := exec.Command(program, args...).CombinedOutput() // likewise
	return strings.TrimSpace(string(b))
}

// after returns the value of the first "key : value" in text.
func after(text, key string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
