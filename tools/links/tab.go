package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/lab"
)

// tab is a page in a browser of its own, inside a namespace.
type tab struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	log     strings.Builder
}

func openTab(in *lab.Namespace) (*tab, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t := &tab{cmd: in.Command(-1, program, "--drive")}
	t.cmd.Stderr = &t.log
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.answers = json.NewDecoder(out)
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start browser: %w", err)
	}
	return t, nil
}

// eval has the page evaluate an expression of JavaScript, promise or not, and reads its value.
func (t *tab) eval(value any, format string, args ...any) error {
	defer time.AfterFunc(startTimeout+evalTimeout, t.kill).Stop()
	expression := fmt.Sprintf(format, args...)
	if err := json.NewEncoder(t.in).Encode(expression); err != nil {
		return fmt.Errorf("%s: %w", expression, err)
	}
	if err := t.answers.Decode(value); err != nil {
		_ = t.in.Close()
		_ = t.cmd.Wait()
		return fmt.Errorf("%s: the browser gave up: %w: %s", expression, err, strings.TrimSpace(t.log.String()))
	}
	return nil
}

// close ends the browser, with all its processes.
func (t *tab) close() {
	_ = t.in.Close()
	ended := make(chan struct{})
	go func() {
		_ = t.cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.kill()
		<-ended
	}
}

// kill ends the browser at once; its session is its own.
func (t *tab) kill() { _ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL) }
