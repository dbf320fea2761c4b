package lab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Server is a server under test that runs.
type Server struct {
	PID int
	URL string // of its Janus API
	Ops string // internal address of its node, http://host:port; "" if it has none

	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// Place is where a server runs.
type Place struct {
	In      *Namespace
	Core    int
	Address netip.Addr // at which it is reached; the zero one for all that the namespace has
	Dir     string     // for its log and configuration
}

const (
	apiPort     = 8188
	opsPort     = 9092
	stopTimeout = 5 * time.Second
)

// StartJanus starts a Janus that has VideoRoom alone.
func StartJanus(p Place, binary string) (*Server, error) {
	dir := filepath.Join(p.Dir, "janus")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("configure Janus: %w", err)
	}
	for name, text := range map[string]string{
		"janus.jcfg": `general: { configs_folder = "` + dir + `"; log_to_stdout = true; debug_level = 2; }
nat: { ice_ignore_list = "lo"; ignore_mdns = true; full_trickle = false; }
media: { rtp_port_range = "20000-40000"; }
plugins: { disable = "libjanus_voicemail.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_audiobridge.so,libjanus_nosip.so,libjanus_duktape.so,libjanus_lua.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_echotest.so"; }
transports: { disable = "libjanus_http.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so"; }
`,
		"janus.transport.websockets.jcfg": fmt.Sprintf("general: { ws = true; ws_port = %d; json = \"compact\"; }\n", apiPort),
		"janus.plugin.videoroom.jcfg":     "general: { }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("configure Janus: %w", err)
		}
	}
	return start(p, "janus", "", p.In.Command(p.Core, binary, "-F", dir))
}

// StartCardea starts standalone: the services, a NATS server and a store in one process.
func StartCardea(p Place, binary string) (*Server, error) {
	args := []string{"--page-listen", "127.0.0.1:8080", "--media-ops-listen", fmt.Sprintf(":%d", opsPort), "--log-level", "warn"}
	if p.Address.IsValid() {
		args = append(args, "--advertise", p.Address.String())
	}
	return start(p, "cardea", fmt.Sprintf("http://%s:%d", p.Address, opsPort), p.In.Command(p.Core, binary, args...))
}

func start(p Place, name, ops string, cmd *exec.Cmd) (*Server, error) {
	s := &Server{
		URL: fmt.Sprintf("ws://%s:%d/", p.Address, apiPort), Ops: ops,
		cmd: cmd, log: filepath.Join(p.Dir, name+".log"), done: make(chan struct{}),
	}
	out, err := os.Create(s.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = out.Close() }() // the process has its own
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s.PID = cmd.Process.Pid // each of ip, sh, nice and taskset becomes what it starts
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(s.done)
	}()
	return s, nil
}

// Stop ends the server and waits for that.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// Log returns the last lines that the server wrote.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(len(lines)-20, 0):], "\n")
}
