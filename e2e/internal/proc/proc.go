// Package proc runs the servers of a test as processes, and ends them.
package proc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Process is a running program.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start runs a program until the test ends. What it prints is kept among the artifacts.
func Start(t testing.TB, name, program string, args ...string) *Process {
	t.Helper()
	return StartWith(t, name, func(*exec.Cmd) {}, program, args...)
}

// StartWith does the same, with a command that set has changed: its folder, its environment, its input.
func StartWith(t testing.TB, name string, set func(*exec.Cmd), program string, args ...string) *Process {
	t.Helper()
	logFile, err := os.Create(filepath.Join(Artifacts(t), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{Name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = logFile, logFile
	p.cmd.Dir = t.TempDir()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	set(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is in its log
		_ = logFile.Close()
	}()
	t.Cleanup(func() { p.Stop() })
	return p
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process alone.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the process as a crash would.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Stop asks the process to end, and insists after ten seconds.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Kill()
	}
}

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// WaitEnd returns when the process has ended by itself.
func (p *Process) WaitEnd(t testing.TB, within time.Duration) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		t.Fatalf("%s has not ended within %v", p.Name, within)
	}
}

// WaitTCP returns when something accepts connections at address.
func (p *Process) WaitTCP(t testing.TB, address string) {
	t.Helper()
	p.wait(t, "accept connections at "+address, func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// WaitReady returns when the service says at its internal address that it can take work.
func (p *Process) WaitReady(t testing.TB, address string) {
	t.Helper()
	p.wait(t, "become ready", func() bool {
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (p *Process) wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 300 {
		if ok() {
			return
		}
		if !p.Running() {
			t.Fatalf("%s ended before it did %s; see %s", p.Name, what, filepath.Join(Artifacts(t), p.Name+".log"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not %s", p.Name, what)
}

// FreeTCP returns an address on loopback that nothing listens on.
func FreeTCP(t testing.TB) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", FreePort(t))
}

// Ports that tests give to services: below those that Linux gives to sockets that ask for none, so that no client's
// socket takes one between the choice and the service's start.
const (
	firstPort = 20000
	lastPort  = 31999
)

var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(lastPort - firstPort + 1)) }

// FreePort returns a port that is free for UDP and TCP on all addresses, and that it has not returned before, nor the one
// behind it: who receives RTP takes that for RTCP.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + int(nextPort.Add(2)%(lastPort-firstPort+1))
		c, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprint(":", port))
		_ = c.Close()
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatalf("no port from %d to %d is free", firstPort, lastPort)
	return 0
}

// Artifacts returns the folder for what a test leaves to be looked at: logs and screenshots.
func Artifacts(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(Root(t), "artifacts", "e2e", t.Name())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Root returns the project's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("not inside the project")
	return ""
}

// Build compiles commands of this project, by folder, and returns where the programs are.
func Build(root, out string, folders ...string) error {
	for _, folder := range folders {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(out, filepath.Base(folder)), ".")
		cmd.Dir = filepath.Join(root, folder)
		b, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			return errors.Join(fmt.Errorf("build %s: %w", folder, err), errors.New(string(b)))
		}
	}
	return nil
}
