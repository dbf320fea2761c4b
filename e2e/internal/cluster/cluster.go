// Package cluster starts what a test talks to: Cardea in one process, Cardea as separate services over real NATS
// and Redis, or a real Janus.
package cluster

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// Programs is where TestMain has built the services.
var Programs string

// Build compiles the services into a new folder.
func Build(root string) error {
	dir, err := os.MkdirTemp("", "cardea-e2e-")
	if err != nil {
		return err
	}
	Programs = dir
	return proc.Build(root, dir, "services/standalone", "services/signaling/cmd/signaling",
		"services/roomstate/cmd/roomstate", "services/media/cmd/media")
}

// Remove deletes what Build made.
func Remove() { _ = os.RemoveAll(Programs) }

// Standalone runs everything in one process.
type Standalone struct {
	*proc.Process
	URL  string // of the Janus API
	HTTP string // of the same over HTTP
	Page string // of the page

	Admin, AdminWS string // of the Admin API, over HTTP and WebSocket
}

// AdminSecret is what Cardea and Janus want of administrators.
const AdminSecret = "adminpwd"

// adminSecretFile writes it where a service reads it.
func adminSecretFile(t testing.TB) string { return SecretFile(t, AdminSecret) }

// SecretFile writes a secret where a service reads it.
func SecretFile(t testing.TB, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// StartStandalone runs standalone until the test ends.
func StartStandalone(t testing.TB, extra ...string) *Standalone {
	t.Helper()
	ws, http, page, roomstate := proc.FreeTCP(t), proc.FreeTCP(t), proc.FreeTCP(t), proc.FreeTCP(t)
	admin, adminWS := proc.FreeTCP(t), proc.FreeTCP(t)
	args := []string{
		"--admin-http-listen", admin, "--admin-listen", adminWS, "--admin-secret-file", adminSecretFile(t),
		"--listen", ws, "--http-listen", http, "--page-listen", page, "--udp-port", strconv.Itoa(proc.FreePort(t)),
		"--advertise", "127.0.0.1", "--log-level", "debug", "--session-rooms", "0", // conversations make a room for each request
		"--ops-listen", proc.FreeTCP(t), "--roomstate-ops-listen", roomstate, "--media-ops-listen", proc.FreeTCP(t),
	}
	p := proc.Start(t, "standalone", filepath.Join(Programs, "standalone"), append(args, extra...)...)
	p.WaitTCP(t, ws)
	p.WaitTCP(t, page)
	p.WaitReady(t, roomstate)
	return &Standalone{Process: p, URL: "ws://" + ws + "/", HTTP: "http://" + http + "/janus", Page: "http://" + page + "/",
		Admin: "http://" + admin + "/admin", AdminWS: "ws://" + adminWS + "/"}
}

// Apart is the services as processes of their own: two edges, two replicas of roomstate, two nodes.
type Apart struct {
	NATS, Redis *proc.Process
	Edges       []*proc.Process
	URLs        []string // of the Janus API, one for each edge
	HTTPs       []string // of the same over HTTP
	Admins      []string // of the Admin API over HTTP
	Replicas    []*proc.Process
	Nodes       []*proc.Process
	GRPC        []string // addresses of the nodes' gRPC
	nodeOps     []string // addresses of the nodes' /metrics
	wiring      Wiring
}

// StartApart runs the services over Debian's nats-server and redis-server until the test ends; extra is for roomstate.
func StartApart(t testing.TB, extra ...string) *Apart {
	t.Helper()
	nats, redis := proc.FreeTCP(t), proc.FreeTCP(t)
	natsHost, natsPort, _ := net.SplitHostPort(nats)
	natsServer := proc.Start(t, "nats", "nats-server", "-a", natsHost, "-p", natsPort)
	redisHost, redisPort, _ := net.SplitHostPort(redis)
	redisServer := proc.Start(t, "redis", "redis-server", "--bind", redisHost, "--port", redisPort, "--save", "", "--appendonly", "no")
	natsServer.WaitTCP(t, nats)
	redisServer.WaitTCP(t, redis)
	a := StartOn(t, Wiring{NATS: []string{"--nats-url", "nats://" + nats}, Redis: []string{"--redis-url", "redis://" + redis}}, extra...)
	a.NATS, a.Redis = natsServer, redisServer
	return a
}

// Wiring is the settings by which services reach what is between them.
type Wiring struct {
	NATS  []string // of all services
	Redis []string // of roomstate
	GRPC  []string // of roomstate and media
}

// StartOn runs the services over what there is; extra is for roomstate.
func StartOn(t testing.TB, w Wiring, extra ...string) *Apart {
	t.Helper()
	a := &Apart{wiring: w}
	for i := range 2 {
		ops := proc.FreeTCP(t)
		p := proc.Start(t, fmt.Sprint("roomstate", i), filepath.Join(Programs, "roomstate"),
			slices.Concat([]string{"--demo-room", "--session-rooms", "0", "--ops-listen", ops, "--log-level", "debug"}, w.NATS, w.Redis, w.GRPC, extra)...)
		defer p.WaitReady(t, ops)
		a.Replicas = append(a.Replicas, p)
	}
	for range 2 {
		a.AddNode(t)
	}
	for i := range 2 {
		ws, http, admin := proc.FreeTCP(t), proc.FreeTCP(t), proc.FreeTCP(t)
		p := proc.Start(t, fmt.Sprint("signaling", i), filepath.Join(Programs, "signaling"),
			append([]string{
				"--name", fmt.Sprint("edge-", i), "--listen", ws, "--http-listen", http,
				"--admin-http-listen", admin, "--admin-listen", "", "--admin-secret-file", adminSecretFile(t),
				"--ops-listen", proc.FreeTCP(t), "--log-level", "debug",
			}, w.NATS...)...)
		p.WaitTCP(t, ws)
		a.Edges = append(a.Edges, p)
		a.URLs = append(a.URLs, "ws://"+ws+"/")
		a.HTTPs = append(a.HTTPs, "http://"+http+"/janus")
		a.Admins = append(a.Admins, "http://"+admin+"/admin")
	}
	return a
}

// AddNode starts one node more.
func (a *Apart) AddNode(t testing.TB) {
	t.Helper()
	i := len(a.Nodes)
	a.nodeOps = append(a.nodeOps, proc.FreeTCP(t))
	a.GRPC = append(a.GRPC, proc.FreeTCP(t))
	a.Nodes = append(a.Nodes, proc.Start(t, fmt.Sprint("media", i), filepath.Join(Programs, "media"),
		slices.Concat([]string{
			"--name", fmt.Sprint("media-", i), "--grpc-listen", a.GRPC[i],
			"--udp-port", strconv.Itoa(proc.FreePort(t)), "--advertise", "127.0.0.1",
			"--ops-listen", a.nodeOps[i], "--log-level", "debug",
		}, a.wiring.NATS, a.wiring.GRPC)...))
}

// ServePage serves standalone's page for the first edge and returns its address.
func (a *Apart) ServePage(t testing.TB) string {
	t.Helper()
	address := proc.FreeTCP(t)
	p := proc.Start(t, "page", filepath.Join(Programs, "standalone"),
		"--page-only", "--page-listen", address, "--janus-url", a.URLs[0])
	p.WaitTCP(t, address)
	return "http://" + address + "/"
}

// Node is a media node by itself.
type Node struct {
	*proc.Process
	GRPC string // address
	ops  string
}

// StartNodes runs media nodes and NATS, and no other service, until the test ends.
func StartNodes(t testing.TB, n int) []*Node {
	t.Helper()
	address := proc.FreeTCP(t)
	host, port, _ := net.SplitHostPort(address)
	proc.Start(t, "nats", "nats-server", "-a", host, "-p", port).WaitTCP(t, address)
	var nodes []*Node
	for i := range n {
		node := &Node{GRPC: proc.FreeTCP(t), ops: proc.FreeTCP(t)}
		node.Process = proc.Start(t, fmt.Sprint("media", i), filepath.Join(Programs, "media"),
			"--name", fmt.Sprint("media-", i), "--nats-url", "nats://"+address, "--grpc-listen", node.GRPC,
			"--udp-port", strconv.Itoa(proc.FreePort(t)), "--advertise", "127.0.0.1",
			"--ops-listen", node.ops, "--drain-timeout", "0s", "--log-level", "debug")
		node.WaitTCP(t, node.GRPC)
		nodes = append(nodes, node)
	}
	return nodes
}

// WaitPeers waits until the node has as many peers.
func (n *Node) WaitPeers(t testing.TB, want int, within time.Duration) {
	t.Helper()
	n.WaitMetric(t, "peers", want, within)
}

// WaitMetric waits until one of the node's metrics, named without what all begin with, has a value.
func (n *Node) WaitMetric(t testing.TB, name string, want int, within time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(within); !strings.Contains(metrics(t, n.ops), fmt.Sprintf("\ncardea_media_%s %d\n", name, want)); {
		if time.Now().After(deadline) {
			t.Fatalf("node %s: %s is not %d within %v", n.GRPC, name, want, within)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func metrics(t testing.TB, address string) string {
	t.Helper()
	return body(t, "http://"+address+"/metrics")
}

// body gets a page.
func body(t testing.TB, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// KillNodes ends all nodes as a loss of power would, at once, and starts another.
func (a *Apart) KillNodes(t testing.TB) {
	t.Helper()
	for _, n := range a.Nodes {
		n.Signal(syscall.SIGKILL)
	}
	a.AddNode(t)
}

// WaitKept waits until nodes that run keep so many peers for each other.
func (a *Apart) WaitKept(t testing.TB, want int) {
	t.Helper()
	kept := 0
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		kept = 0
		for i, address := range a.nodeOps {
			if !a.Nodes[i].Running() {
				continue
			}
			for line := range strings.Lines(metrics(t, address)) {
				if rest, ok := strings.CutPrefix(line, "cardea_media_kept_peers "); ok {
					n, _ := strconv.Atoi(strings.TrimSpace(rest))
					kept += n
				}
			}
		}
		if kept == want {
			return
		}
	}
	t.Fatalf("%d peers are kept, not %d", kept, want)
}

// Pause stops NATS and Redis as an overloaded machine would: they answer nothing, and nobody is told.
func (a *Apart) Pause() {
	a.NATS.Signal(syscall.SIGSTOP)
	a.Redis.Signal(syscall.SIGSTOP)
}

// Continue ends a Pause.
func (a *Apart) Continue() {
	a.NATS.Signal(syscall.SIGCONT)
	a.Redis.Signal(syscall.SIGCONT)
}

// janusProgram is which Janus stands beside Cardea.
var janusProgram = flag.String("janus", "janus", "the Janus to compare with: a program of this name, or its path")

// Janus is a real one: its addresses and its version, such as 1.1.2.
type Janus struct{ WS, HTTP, Admin, Version string }

// StartJanus runs a Janus, Debian's unless -janus names another, until the test ends and returns the address of its API. videoroom is settings of that
// plugin.
func StartJanus(t testing.TB, videoroom ...string) string {
	t.Helper()
	return StartJanusWith(t, JanusSettings{VideoRoom: videoroom}).WS
}

// JanusSettings are more of some parts of its settings.
type JanusSettings struct {
	General, VideoRoom, TextRoom []string
	HTTP                         []string // whole parts of that transport's

	Sink string // where events are posted to; empty for nowhere
}

// StartWholeJanus is StartJanus, with all its addresses; general is more of that part of its settings.
func StartWholeJanus(t testing.TB, general ...string) Janus {
	t.Helper()
	return StartJanusWith(t, JanusSettings{General: general})
}

// StartJanusWithEvents runs one that posts its events to sink, an address.
func StartJanusWithEvents(t testing.TB, sink string) Janus {
	t.Helper()
	return StartJanusWith(t, JanusSettings{Sink: sink})
}

// StartJanusWith runs one with these settings.
func StartJanusWith(t testing.TB, settings JanusSettings) Janus {
	t.Helper()
	sink := settings.Sink
	ws, http, admin := proc.FreeTCP(t), proc.FreeTCP(t), proc.FreeTCP(t)
	_, httpPort, _ := net.SplitHostPort(http)
	_, adminPort, _ := net.SplitHostPort(admin)
	_, port, _ := net.SplitHostPort(ws)
	dir := t.TempDir()
	write := func(name string, lines ...string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("janus.jcfg",
		`general: { configs_folder = "`+dir+`"; log_to_stdout = true; debug_level = 4; admin_secret = "`+AdminSecret+`"; `+strings.Join(settings.General, " ")+` }`,
		`nat: { ice_enforce_list = "lo"; ignore_mdns = true; full_trickle = false; }`,
		`media: { rtp_port_range = "10000-19999"; }`,
		`plugins: { disable = "libjanus_voicemail.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_audiobridge.so,libjanus_nosip.so,libjanus_duktape.so,libjanus_lua.so"; }`,
		`events: { broadcast = `+strconv.FormatBool(sink != "")+`; }`,
		`transports: { disable = "libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so"; }`)
	write("janus.transport.websockets.jcfg", `general: { ws = true; ws_ip = "127.0.0.1"; ws_port = `+port+`; json = "compact"; }`)
	write("janus.transport.http.jcfg",
		`general: { base_path = "/janus"; http = true; ip = "127.0.0.1"; port = `+httpPort+`; https = false; json = "compact"; }`,
		`admin: { admin_base_path = "/admin"; admin_http = true; admin_ip = "127.0.0.1"; admin_port = `+adminPort+`; }`,
		strings.Join(settings.HTTP, "\n"))
	write("janus.plugin.videoroom.jcfg", "general: { "+strings.Join(settings.VideoRoom, "; ")+" }",
		`room-1234: { description = "Demo Room"; secret = "adminpwd"; publishers = 6; bitrate = 1500000; fir_freq = 10; record = false; }`)
	write("janus.plugin.echotest.jcfg", "general: { }")
	if sink != "" {
		write("janus.eventhandler.sampleevh.jcfg", `general: { enabled = true; events = "all"; grouping = true; backend = "`+sink+`"; backend_user = "events"; backend_pwd = "pwd"; }`)
	}
	write("janus.plugin.videocall.jcfg", "general: { }")
	write("janus.plugin.textroom.jcfg", `general: { json = "plain"; `+strings.Join(settings.TextRoom, " ")+` }`, `room-1234: { description = "Demo Room"; secret = "adminpwd"; }`)
	p := proc.Start(t, "janus", *janusProgram, "-F", dir)
	p.WaitTCP(t, ws)
	p.WaitTCP(t, http)
	p.WaitTCP(t, admin)
	j := Janus{WS: "ws://" + ws + "/", HTTP: "http://" + http + "/janus", Admin: "http://" + admin + "/admin"}
	if len(settings.HTTP) == 0 { // one that enforces CORS answers pages only
		j.Version = version(t, j.HTTP+"/info")
	}
	return j
}

// version asks the Janus at an address of its info.
func version(t testing.TB, info string) string {
	t.Helper()
	var about struct {
		Version string `json:"version_string"`
	}
	if err := json.Unmarshal([]byte(body(t, info)), &about); err != nil {
		t.Fatal(err)
	}
	return about.Version
}
