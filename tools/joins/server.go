package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/procfs"
)

// server is one that is measured: some processes, one of which holds the sockets.
type server struct {
	name  string
	url   string
	parts []*part // the first holds the sockets
}

// part is a process of it.
type part struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// startTime is how long a server may take until it answers, and stopTime until it has ended.
const (
	startTime = 20 * time.Second
	stopTime  = 5 * time.Second
)

func startJanus(ctx context.Context, cfg config, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"janus.jcfg": `general: { configs_folder = "` + dir + `"; debug_level = 2; session_timeout = 0; }
nat: { ice_ignore_list = "lo"; }
plugins: { disable = "libjanus_voicemail.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_audiobridge.so,libjanus_nosip.so,libjanus_duktape.so,libjanus_lua.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_echotest.so"; }
transports: { disable = "libjanus_http.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so"; }
`,
		"janus.transport.websockets.jcfg": fmt.Sprintf("general: { ws = true; ws_port = %d; json = \"compact\"; }\n", port),
		"janus.plugin.videoroom.jcfg":     "general: { }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	s := &server{name: "Janus", url: fmt.Sprintf("ws://127.0.0.1:%d/", port)}
	return s, s.start(ctx, cfg, dir, "janus", port, cfg.Janus, "-F", dir)
}

func startCardea(ctx context.Context, cfg config, dir string) (*server, error) {
	var ports [5]int
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	nats, redis, edge := 0, 1, 2
	s := &server{name: "Cardea", url: "ws://" + at(edge) + "/"}
	for _, p := range []struct {
		name string
		port int
		args []string
	}{
		{"nats", ports[nats], []string{cfg.NATS, "-a", "127.0.0.1", "-p", fmt.Sprint(ports[nats])}},
		{"redis", ports[redis], []string{cfg.Redis, "--bind", "127.0.0.1", "--port", fmt.Sprint(ports[redis]), "--save", "", "--appendonly", "no", "--dir", dir}},
		{"roomstate", ports[3], []string{
			cfg.Roomstate, "--nats-url", "nats://" + at(nats), "--redis-url", "redis://" + at(redis), "--ops-listen", at(3), "--log-level", "warn",
			"--session-timeout", "0", "--max-participants", "0",
		}},
		{"edge", ports[edge], []string{
			cfg.Signaling, "--nats-url", "nats://" + at(nats), "--listen", at(edge), "--http-listen", "", "--admin-listen", "", "--admin-http-listen", "",
			"--ops-listen", at(4), "--log-level", "warn",
		}},
	} {
		if err := s.start(ctx, cfg, dir, p.name, p.port, p.args[0], p.args[1:]...); err != nil {
			return s, err
		}
	}
	last := len(s.parts) - 1
	s.parts[0], s.parts[last] = s.parts[last], s.parts[0]
	return s, nil
}

// start adds a process, and waits until it answers.
func (s *server) start(ctx context.Context, cfg config, dir, name string, port int, program string, args ...string) error {
	if cfg.Pin {
		program, args = "taskset", append([]string{"-c", "0", program}, args...)
	}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	p := &part{name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	s.parts = append(s.parts, p)
	for deadline := time.Now().Add(startTime); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended:\n%s", name, tail(log.Name()))
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer:\n%s", name, tail(log.Name()))
		}
	}
}

func tail(file string) string {
	b, _ := os.ReadFile(file)
	return string(b[max(0, len(b)-2000):])
}

// stop ends all processes, the last first.
func (s *server) stop() {
	for i := len(s.parts) - 1; i >= 0; i-- {
		p := s.parts[i]
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(stopTime):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	}
}

// usage is what each process has used, in their order.
func (s *server) usage() ([]procfs.Usage, error) {
	var all []procfs.Usage
	for _, p := range s.parts {
		u, err := procfs.Read(p.cmd.Process.Pid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, u)
	}
	return all, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
