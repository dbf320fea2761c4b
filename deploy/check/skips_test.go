package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIsSkippedIsSaidAndFailsIfAskedTo runs the script on a machine whose programs are made up.
func TestWhatIsSkippedIsSaidAndFailsIfAskedTo(t *testing.T) {
	deploy := t.TempDir() + "/deploy"
	if err := os.Mkdir(deploy, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("../deploy-check-run.sh")
	if err != nil {
		t.Fatal(err)
	}
	write(deploy+"/deploy-check-run.sh", string(script))
	write(deploy+"/compose-test.sh", "#!/bin/sh\necho the call was made\n")
	for name, c := range map[string]struct {
		docker, promtool string // what they are; empty for not there
		all              string // DEPLOY_CHECK_ALL
		fails            bool
		says, not        []string
	}{
		"nothing there":           {"", "", "", false, []string{"SKIPPED", "promtool is missing", "no Docker engine", "DEPLOY_CHECK_ALL=1"}, []string{"everything"}},
		"nothing there, all":      {"", "", "1", true, []string{"SKIPPED", "no Docker engine", "fails"}, []string{"everything"}},
		"no engine behind docker": {"exit 1", "exit 0", "1", true, []string{"no Docker engine"}, []string{"promtool"}},
		"no engine, some will do": {"exit 1", "exit 0", "", false, []string{"SKIPPED", "no Docker engine"}, []string{"everything"}},
		"both there, all":         {"exit 0", "exit 0", "1", false, []string{"the call was made", "everything has been checked"}, []string{"SKIPPED"}},
		"alerts that are wrong":   {"exit 0", "exit 3", "", true, nil, []string{"everything", "the call was made"}},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			for program, does := range map[string]string{"docker": c.docker, "promtool": c.promtool} {
				if does != "" {
					write(filepath.Join(bin, program), "#!/bin/sh\n"+does+"\n")
				}
			}
			for _, program := range []string{"dirname", "bash", "sh"} {
				path, err := exec.LookPath(program)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(bin, program)); err != nil {
					t.Fatal(err)
				}
			}
			command := exec.Command(filepath.Join(bin, "bash"), deploy+"/deploy-check-run.sh")
			command.Env = []string{"PATH=" + bin, "DEPLOY_CHECK_ALL=" + c.all}
			out, err := command.CombinedOutput()
			if (err != nil) != c.fails {
				t.Errorf("ends with %v:\n%s", err, out)
			}
			for _, want := range c.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			for _, no := range c.not {
				if strings.Contains(string(out), no) {
					t.Errorf("%q in\n%s", no, out)
				}
			}
		})
	}
}
