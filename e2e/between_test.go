//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/mutual"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// startNATS runs one NATS server and returns the settings by which services reach it.
func startNATS(t *testing.T) []string {
	t.Helper()
	_, address := natsServer(t, "nats")
	return []string{"--nats-url", "nats://" + address}
}

// natsServer runs one until the test ends.
func natsServer(t *testing.T, name string, args ...string) (p *proc.Process, address string) {
	t.Helper()
	address = proc.FreeTCP(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	p = proc.Start(t, name, "nats-server", append([]string{"-a", host, "-p", port}, args...)...)
	p.WaitTCP(t, address)
	return p, address
}

// TestRedisFailsOver kills the master of Redis under a call: Sentinels make its replica the master, rooms are there, and
// requests are answered again; pictures go on all along.
func TestRedisFailsOver(t *testing.T) {
	t.Parallel()
	redis := cluster.StartFailover(t)
	a := cluster.StartOn(t, cluster.Wiring{NATS: startNATS(t), Redis: redis.Settings})
	awaitNodes(t, a, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, a.URLs[0], "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 7100, "description": "before"})
	must(ctx, t, conn, session, handle, janus.Object{"request": "join", "ptype": "publisher", "room": 7100, "id": 1})
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	time.Sleep(time.Second) // a replica is a moment behind

	redis.Master.Signal(syscall.SIGKILL)
	began := time.Now()
	tabs[0].WaitMoreFrames(3, 10*time.Second)
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 7101})
	t.Logf("a room was made %v after the master of Redis was killed", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 15*time.Second { // 2 s until Sentinels are sure, their election, and DESIGN §6's 5 s
		t.Errorf("requests were answered again after %v", took)
	}
	got := must(ctx, t, conn, session, handle, janus.Object{"request": "listparticipants", "room": 7100})
	t.Logf("the room of before: %s", got.Raw)
	other, otherSession, otherHandle := attach(ctx, t, a.URLs[1], "janus.plugin.videoroom")
	must(ctx, t, other, otherSession, otherHandle, janus.Object{"request": "join", "ptype": "publisher", "room": 7100, "id": 2})
	for _, tab := range tabs {
		tab.WaitMoreFrames(3, 10*time.Second)
	}
}

// TestRedisWithTLSAndAUser has roomstate show a certificate and a password to a Redis whose user may do little else.
func TestRedisWithTLSAndAUser(t *testing.T) {
	t.Parallel()
	ca := certstest.NewCA(t)
	until := time.Now().Add(time.Hour)
	redis := cluster.StartRedisWithACL(t, ca.Issue(t, until, "127.0.0.1"), ca.Issue(t, until))
	a := cluster.StartOn(t, cluster.Wiring{NATS: startNATS(t), Redis: redis})
	videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	a.WaitKept(t, 6) // notes of keepers ask for more of Redis than rooms do
	textRoomDemo(t, a.URLs...)
}

// TestANATSClusterLosesAMember kills one of three NATS servers, which speak TLS and know services by a password, under a call and
// under requests: each of those is answered, and pictures go on.
func TestANATSClusterLosesAMember(t *testing.T) {
	t.Parallel()
	ca := certstest.NewCA(t)
	until := time.Now().Add(time.Hour)
	own, service := ca.Issue(t, until, "127.0.0.1"), ca.Issue(t, until)
	var routes []string
	for range 3 {
		routes = append(routes, "nats://"+proc.FreeTCP(t))
	}
	var servers []*proc.Process
	var urls []string
	for i := range 3 {
		server, address := natsServer(t, fmt.Sprint("nats", i), "--cluster_name", "cardea", "--cluster", routes[i], "--routes", strings.Join(routes, ","),
			"--user", "cardea", "--pass", "natspwd", "--tlsverify", "--tlscert", own.Cert, "--tlskey", own.Key, "--tlscacert", own.CA)
		servers, urls = append(servers, server), append(urls, "tls://"+address)
	}
	a := cluster.StartOn(t, cluster.Wiring{
		NATS: []string{
			"--nats-url", strings.Join(urls, ","), "--nats-user", "cardea", "--nats-password-file", cluster.SecretFile(t, "natspwd"),
			"--nats-tls-ca", service.CA, "--nats-tls-cert", service.Cert, "--nats-tls-key", service.Key,
		},
		Redis: startRedis(t),
	})
	awaitNodes(t, a, 2)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	var asking sync.WaitGroup
	var room, longest atomic.Int64
	asked, stop := context.WithCancel(ctx)
	defer stop()
	for i, url := range a.URLs {
		conn, session, handle := attach(ctx, t, url, "janus.plugin.videoroom")
		asking.Go(func() {
			for asked.Err() == nil {
				began := time.Now()
				body := janus.Object{"request": "create", "room": 8000 + room.Add(1)}
				if _, err := conn.Message(ctx, session, handle, body, nil); err != nil {
					t.Errorf("edge %d, after %v: %v", i, time.Since(began), err)
					return
				}
				longest.Store(max(longest.Load(), time.Since(began).Milliseconds()))
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for i, server := range servers[:2] { // whoever was at these comes to the third
		time.Sleep(2 * time.Second)
		before := room.Load()
		server.Kill()
		for _, tab := range tabs {
			tab.WaitMoreFrames(3, 10*time.Second)
		}
		time.Sleep(5 * time.Second)
		t.Logf("member %d killed: %d requests meanwhile, the longest took %d ms so far", i, room.Load()-before, longest.Load())
		if room.Load() == before {
			t.Error("no request was answered")
		}
	}
	stop()
	asking.Wait()
	for _, tab := range tabs {
		tab.WaitMoreFrames(3, 10*time.Second)
	}
	other, otherSession, otherHandle := attach(ctx, t, a.URLs[1], "janus.plugin.videoroom")
	for n := range room.Load() { // each took effect, once
		if _, err := other.Message(ctx, otherSession, otherHandle, janus.Object{"request": "destroy", "room": 8001 + n}, nil); err != nil {
			t.Errorf("room %d: %v", 8001+n, err)
		}
	}
}

// startRedis runs one Redis and returns the settings by which roomstate reaches it.
func startRedis(t *testing.T) []string {
	t.Helper()
	return []string{"--redis-url", "redis://" + cluster.StartRedis(t)}
}

// TestGRPCWithCertificates has roomstate and nodes know each other by certificates alone: a call is set up, its values are kept, part
// of it is moved, feeds are relayed, and it outlives a node. Who has no certificate is not answered.
func TestGRPCWithCertificates(t *testing.T) {
	t.Parallel()
	const peers = 6
	ca := certstest.NewCA(t)
	f := ca.Issue(t, time.Now().Add(time.Hour), "cardea-media")
	a := cluster.StartOn(t, cluster.Wiring{
		NATS: startNATS(t), Redis: startRedis(t), GRPC: []string{"--grpc-tls-ca", f.CA, "--grpc-tls-cert", f.Cert, "--grpc-tls-key", f.Key},
	})
	a.AddNode(t)
	awaitNodes(t, a, 3)
	tabs := videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	a.WaitKept(t, peers)
	session := administer(t, a.Admins[0], "list_sessions", "")["sessions"].([]any)[0]
	at := fmt.Sprint(a.Admins[0], "/", session)
	for _, handle := range administer(t, at, "list_handles", "")["handles"].([]any) {
		if answer := administer(t, fmt.Sprint(at, "/", handle), "move_handle", `,"node":"media-2"`); answer["janus"] != "success" {
			t.Fatalf("not moved: %v", answer)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); peersOn(t, a.Admins[0])["media-2"] != 2; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("peers are on %v", peersOn(t, a.Admins[0]))
		}
	}
	for _, tab := range tabs {
		tab.WaitMoreFrames(3, 20*time.Second)
	}
	a.WaitKept(t, peers)
	a.Nodes[0].Kill()
	time.Sleep(5 * time.Second)
	for _, tab := range tabs {
		tab.WaitMoreFrames(3, 30*time.Second)
	}

	for name, credentials := range map[string]mutual.GRPC{"plain text": {}, "of another authority": func() mutual.GRPC {
		foreign := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour))
		return mutual.GRPC{GRPCTLSCA: f.CA, GRPCTLSCert: foreign.Cert, GRPCTLSKey: foreign.Key, GRPCTLSName: "cardea-media"}
	}()} {
		dial, _, err := credentials.Open(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(a.GRPC[1], grpc.WithTransportCredentials(dial))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err == nil {
			t.Errorf("answered: %s", name)
		}
		_ = conn.Close()
	}
}
