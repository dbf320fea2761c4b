package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/internal/lab"
)

// endTimeout is how long what is inside may take to end when it is asked to.
const endTimeout = 20 * time.Second

// outside makes the network, runs this program in the clients' part of it, and takes all away again, whatever happens inside.
func outside(ctx context.Context, cfg *config, args []string) (err error) {
	if _, err := exec.LookPath("iptables"); err != nil {
		return errors.New("iptables is missing: links are cut by it")
	}
	network, err := lab.New("cardea-chaos")
	if err != nil {
		return err
	}
	files, err := os.MkdirTemp("", "chaos") // of all that runs inside, browsers' too
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(files)) }()
	defer func() { err = errors.Join(err, network.Close()) }()
	clients, err := cluster.Connect(network)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	args = append(args, "--inside", clients.Name, fmt.Sprintf("--seed=%d", cfg.Seed))
	cmd := clients.Process(program, args...)
	if cfg.Ahead {
		cmd = clients.Command(-1, program, args...)
	}
	cmd.SysProcAttr.Setsid = true // a terminal's interrupt is for this process, which passes it on
	cmd.Env = append(os.Environ(), "TMPDIR="+files)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(endTimeout):
			_ = cmd.Process.Kill()
			<-ended
		}
		return errors.New("interrupted")
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("ended with status %d", exit.ExitCode()) // it has said why
	}
	return err
}
