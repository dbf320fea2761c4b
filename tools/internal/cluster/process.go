package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that can be started again when it has ended.
type Process struct {
	Name, Service string // of a service there may be several
	Ops           string // address of /metrics and /readyz; empty for what is not Cardea's
	URL           string // of an edge, over WebSocket

	program string
	args    []string
	log     *os.File

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

const stopTimeout = 30 * time.Second

// Start starts it, and returns at once.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := exec.Command(p.program, p.args...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	p.cmd, p.done = cmd, done
	return nil
}

// Stop ends it by a signal, and returns when it has ended.
func (p *Process) Stop(s os.Signal) {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(s)
	select {
	case <-done:
	case <-time.After(stopTimeout):
		_ = cmd.Process.Kill()
		<-done
	}
}

func (p *Process) end() {
	p.Stop(syscall.SIGKILL)
	if p.log != nil {
		_ = p.log.Close()
	}
}

// PID is the process's number, 0 if it does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	select {
	case <-p.done:
		return 0
	default:
		return p.cmd.Process.Pid
	}
}

// Metrics are what a service shows now, by name and labels as they are written.
func (p *Process) Metrics(ctx context.Context) (map[string]float64, error) {
	body, err := Get(ctx, "http://"+p.Ops+"/metrics")
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		if all[line[:i]], err = strconv.ParseFloat(line[i+1:], 64); err != nil {
			return nil, fmt.Errorf("metrics of %s: %w", p.Name, err)
		}
	}
	return all, nil
}

// Get returns what is at a URL.
func Get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
