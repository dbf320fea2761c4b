package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type formed struct {
	Listen string        `form:"listen"`
	Reach  []string      `form:"address"`
	Dump   string        `form:"folder"`
	Record string        `form:"new-folder"`
	Wait   time.Duration `help:"How long." default:"5s"`
	Logging
}

func checkFormed(args ...string) error {
	p := &Program[formed]{Name: "x", Logging: func(c *formed) *Logging { return &c.Logging }}
	return p.Do(append([]string{"config", "check"}, args...), new(strings.Builder), func(int) {})
}

func TestConfigCheckRefusesWhatHasNotItsForm(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"--listen=:8188": "", "--listen=127.0.0.1:0": "", "--listen=[::1]:https": "", "--listen=edge-1.example:1": "", "--listen=": "",
		"--listen=8188":                `listen: "8188" is not HOST:PORT: missing port in address`,
		"--listen=:":                   `listen: ":" is not HOST:PORT: "" is no port`,
		"--listen=:65536":              `listen: ":65536" is not HOST:PORT: "65536" is no port`,
		"--listen=::1:80":              `listen: "::1:80" is not HOST:PORT: too many colons in address`,
		"--listen=http://x:80":         `listen: "http://x:80" is not HOST:PORT: too many colons in address`,
		"--listen=a b:80":              `"a b" is neither an IP address nor a name`,
		"--reach=a.example:3478,b:1":   "",
		"--reach=a.example:3478,b":     `reach: "b" is not HOST:PORT: missing port in address`,
		"--reach=:3478":                `reach: ":3478" is not HOST:PORT: it has no host`,
		"--reach=a:0":                  "nobody is reached at port 0",
		"--reach=stun:a.example:3478":  "too many colons",
		"--dump=" + dir:                "",
		"--dump=" + file:               "dump: " + file + " is no folder",
		"--dump=" + dir + "/none":      "dump: stat " + dir + "/none: no such file or directory",
		"--record=" + dir:              "",
		"--record=" + dir + "/a/b":     "",
		"--record=" + file:             "record: " + file + " is no folder",
		"--record=" + file + "/a":      "record: ",
		"--record=/proc/self/cardea/a": "record: /proc/self/cardea/a cannot be made: nothing can be written in /proc/self",
		"--wait=-1s":                   "wait must not be below 0, is -1s",
		"--wait=0s":                    "",
	} {
		switch err := checkFormed(arg); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", arg, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, not %q", arg, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind %q", left)
	}
}
