// Package lab is a small network on one machine: namespaces with links between them, and servers, browsers and load
// that run in these, each on cores of its own. Packets never leave the machine, and nothing of it is left afterwards.
package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Lab is a set of namespaces. It is not safe for concurrent use.
type Lab struct {
	prefix     string // of the namespaces' names
	namespaces []*Namespace
}

// Namespace is a network of its own.
type Namespace struct{ Name string }

// ErrUnable means that this machine or user cannot make namespaces.
var ErrUnable = errors.New("needs root on Linux, with iproute2 and ethtool: namespaces and links are made (ip netns, veth)")

// New makes an empty lab.
func New(name string) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, ErrUnable
	}
	for _, program := range []string{"ip", "ethtool", "taskset", "nice"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: no %s", ErrUnable, program)
		}
	}
	return &Lab{prefix: fmt.Sprintf("%s-%d", name, os.Getpid())}, nil
}

// Namespace makes one, with loopback up.
func (l *Lab) Namespace(name string) (*Namespace, error) {
	n := &Namespace{Name: l.prefix + "-" + name}
	if err := ip("netns", "add", n.Name); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnable, err)
	}
	l.namespaces = append(l.namespaces, n)
	return n, n.ip("link", "set", "lo", "up")
}

// Close ends whatever still runs in the namespaces and takes them away, and so their links.
func (l *Lab) Close() error {
	var all []error
	for _, n := range l.namespaces {
		n.endAll()
		all = append(all, ip("netns", "delete", n.Name))
	}
	l.namespaces = nil
	return errors.Join(all...)
}

// endAll kills what runs in the namespace: nothing, unless something went wrong.
func (n *Namespace) endAll() {
	out, err := exec.Command("ip", "netns", "pids", n.Name).Output()
	if err != nil {
		return
	}
	for _, word := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(word); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// End is one end of a link.
type End struct {
	In      *Namespace
	Name    string
	Address netip.Prefix
	Core    int  // that handles what arrives here; -1 for that of whoever sends it
	Cuts    bool // runs of segments (UDP_SEGMENT) into packets before they leave, as for most network cards
}

// Connect makes a link of two ends, as fast as the machine is.
func (l *Lab) Connect(a, b End) error {
	err := ip("link", "add", a.Name, "netns", a.In.Name, "numrxqueues", "1", "numtxqueues", "1", "type", "veth",
		"peer", "name", b.Name, "netns", b.In.Name, "numrxqueues", "1", "numtxqueues", "1")
	if err != nil {
		return err
	}
	for _, end := range []End{a, b} {
		if err := end.up(); err != nil {
			return err
		}
	}
	return errors.Join(a.receive(b), b.receive(a))
}

func (e End) up() error {
	if err := e.In.ip("addr", "add", e.Address.String(), "dev", e.Name); err != nil {
		return err
	}
	if err := e.In.ip("link", "set", e.Name, "up"); err != nil {
		return err
	}
	if e.Cuts {
		if err := run(e.In.command("ethtool", "-K", e.Name, "tx-udp-segmentation", "off")); err != nil {
			return err
		}
	}
	return nil
}

// receive has a thread of the kernel's, on one core, take what arrives (NAPI, threaded).
func (e End) receive(from End) error {
	if e.Core < 0 {
		return nil
	}
	// A veth has such a thread, as network cards do, only while it may join packets, which for UDP it does not, and uses it
	// only if the other end leaves TCP's packets as they are.
	if err := run(e.In.command("ethtool", "-K", e.Name, "gro", "on")); err != nil {
		return err
	}
	if err := run(from.In.command("ethtool", "-K", from.Name, "tso", "off")); err != nil {
		return err
	}
	if err := run(e.In.command("sh", "-c", "echo 1 > "+filepath.Join("/sys/class/net", e.Name, "threaded"))); err != nil {
		return err
	}
	return run(exec.Command("sh", "-c", fmt.Sprintf(
		"set -e; pid=$(pgrep -n '^napi/%s-'); taskset -pc %d $pid; chrt -f -p 10 $pid || renice -n -19 -p $pid", e.Name, e.Core)))
}

// Adopt gives the namespace a device of this process's, such as a TUN, with an address.
func (n *Namespace) Adopt(device string, address netip.Prefix) error {
	for _, args := range [][]string{
		{"link", "set", device, "netns", n.Name},
		{"-n", n.Name, "addr", "add", address.String(), "dev", device},
		{"-n", n.Name, "link", "set", device, "up"},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

// ahead starts a program with precedence over others of the machine: by its niceness, and, where the kernel weighs sessions
// rather than processes (sched(7), autogroups), by that of its session.
const ahead = `echo -19 2>/dev/null >/proc/self/autogroup; exec nice -n -19 "$@"`

// Command is a program in the namespace, on one core (any if negative), ahead of other programs of the machine. It is killed
// if this process dies.
func (n *Namespace) Command(core int, program string, args ...string) *exec.Cmd {
	all := []string{"sh", "-c", ahead, "sh"}
	if core >= 0 {
		all = append(all, "taskset", "-c", fmt.Sprint(core))
	}
	cmd := n.command(append(append(all, program), args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// WaitTCP returns when something accepts connections at an address of the namespace.
func (n *Namespace) WaitTCP(address netip.AddrPort, within time.Duration) error {
	probe := fmt.Sprintf(": </dev/tcp/%s/%d", address.Addr(), address.Port())
	for until := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		if n.command("bash", "-c", probe).Run() == nil {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("nothing listens at %s after %v", address, within)
		}
	}
}

func (n *Namespace) command(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.Name}, args...)...)
}

func (n *Namespace) ip(args ...string) error { return ip(append([]string{"-n", n.Name}, args...)...) }

func ip(args ...string) error { return run(exec.Command("ip", args...)) }

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
