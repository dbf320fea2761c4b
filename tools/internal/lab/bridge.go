package lab

import (
	"fmt"
	"net/netip"
	"os/exec"
	"syscall"
)

// Bridge is a network that namespaces join, each with one address.
type Bridge struct {
	in    *Namespace
	ports int
}

// Bridge makes one, in a namespace of its own.
func (l *Lab) Bridge(name string) (*Bridge, error) {
	in, err := l.Namespace(name)
	if err != nil {
		return nil, err
	}
	if err := in.ip("link", "add", "br0", "type", "bridge"); err != nil {
		return nil, err
	}
	return &Bridge{in: in}, in.ip("link", "set", "br0", "up")
}

// Join gives a namespace its address in the network, at eth0.
func (b *Bridge) Join(n *Namespace, address netip.Prefix) error {
	port := fmt.Sprint("port", b.ports)
	b.ports++
	for _, step := range []struct {
		in   *Namespace
		args []string
	}{
		{b.in, []string{"link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", n.Name}},
		{b.in, []string{"link", "set", port, "master", "br0", "up"}},
		{n, []string{"addr", "add", address.String(), "dev", "eth0"}},
		{n, []string{"link", "set", "eth0", "up"}},
	} {
		if err := step.in.ip(step.args...); err != nil {
			return err
		}
	}
	return nil
}

// Drop has what comes to the namespace from these addresses vanish, without a word to anybody, until Mend.
func (n *Namespace) Drop(from ...netip.Addr) error {
	for _, a := range from {
		if err := run(n.command("iptables", "-w", "-A", "INPUT", "-s", a.String(), "-j", "DROP")); err != nil {
			return err
		}
	}
	return nil
}

// Mend takes back all that Drop did.
func (n *Namespace) Mend() error { return run(n.command("iptables", "-w", "-F", "INPUT")) }

// Process is a program in the namespace, with the precedence and in the session of this process. It is killed if this one dies.
func (n *Namespace) Process(program string, args ...string) *exec.Cmd {
	cmd := n.command(append([]string{program}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
