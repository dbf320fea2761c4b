package cluster

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/lab"
)

// stopTimeout is how long a process may take to end when it is asked to.
const stopTimeout = 60 * time.Second

// Process is a program that is started again whenever it ends.
type Process struct {
	Name string

	in      *lab.Namespace
	ops     string // where /readyz and /metrics are, host:port; "" for none
	pause   time.Duration
	program string
	args    []string
	log     *os.File
	running sync.WaitGroup
	cancel  context.CancelFunc

	mu       sync.Mutex // guards what follows
	cmd      *exec.Cmd
	ended    chan struct{} // closed when cmd has ended
	held     bool          // it is not to be started
	meant    bool          // its end is our doing
	starts   int
	byItself int // ends that were not our doing
}

// begin starts the program and keeps it running until end.
func (p *Process) begin(dir string) error {
	log, err := os.OpenFile(filepath.Join(dir, p.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("log of %s: %w", p.Name, err)
	}
	p.log = log
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.running.Go(func() { p.keep(ctx) })
	return nil
}

func (p *Process) keep(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		held := p.held
		p.mu.Unlock()
		if !held {
			p.once(ctx)
		}
		pause := p.pause
		if held {
			pause = 50 * time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// once runs the program until it ends, and ends it with ctx.
func (p *Process) once(ctx context.Context) {
	p.mu.Lock()
	p.cmd = p.in.Process(p.program, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.ended = make(chan struct{})
	p.meant = false
	p.starts++
	fmt.Fprintf(p.log, "--- start %d, %s\n", p.starts, time.Now().UTC().Format(time.RFC3339Nano))
	err := p.cmd.Start()
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = p.signal(syscall.SIGKILL) })
		err = cmd.Wait()
		stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.log, "--- ended, %s: %v\n", time.Now().UTC().Format(time.RFC3339Nano), err)
	if !p.meant && ctx.Err() == nil {
		p.byItself++
	}
	close(ended)
}

// signal is to what runs.
func (p *Process) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		p.meant = true
	}
	if p.cmd == nil || p.cmd.Process == nil {
		return fmt.Errorf("%s does not run", p.Name)
	}
	return p.cmd.Process.Signal(s)
}

// Kill ends it as a crash would; it is started again soon.
func (p *Process) Kill() error { return p.signal(syscall.SIGKILL) }

// Stop has it not run, as an overloaded machine would, until Continue.
func (p *Process) Stop() error { return p.signal(syscall.SIGSTOP) }

// Continue ends a Stop.
func (p *Process) Continue() error { return p.signal(syscall.SIGCONT) }

// Down kills it, and it stays down until Up.
func (p *Process) Down() error {
	p.mu.Lock()
	p.held = true
	p.mu.Unlock()
	return p.Kill()
}

// Up ends a Down.
func (p *Process) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
}

// Restart asks it to end, waits for that, and says how long it took. It is started again by itself.
func (p *Process) Restart(ctx context.Context) (time.Duration, error) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	began := time.Now()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-ended:
		return time.Since(began), nil
	case <-time.After(stopTimeout):
		return time.Since(began), fmt.Errorf("%s has not ended after %v", p.Name, stopTimeout)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Starts is how often it has been, and how often it ended by itself.
func (p *Process) Starts() (starts, byItself int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts, p.byItself
}

// Ready says whether it takes work, nil if it does.
func (p *Process) Ready(ctx context.Context) error {
	if p.ops == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.ops+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready", p.Name)
	}
	return nil
}

// end kills it, for good.
func (p *Process) end() {
	if p.cancel != nil {
		p.cancel()
		p.running.Wait()
		_ = p.log.Close()
	}
}
