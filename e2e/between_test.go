//go:build e2e

package e2e

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
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
	ca := certstest.NewCA(t)
	until := time.Now().Add(time.Hour)
	redis := cluster.StartRedisWithACL(t, ca.Issue(t, until, "127.0.0.1"), ca.Issue(t, until))
	a := cluster.StartOn(t, cluster.Wiring{NATS: startNATS(t), Redis: redis})
	videoRoomDemo(t, "mvideoroomtest.html", a.URLs...)
	a.WaitKept(t, 6) // notes of keepers ask for more of Redis than rooms do
	textRoomDemo(t, a.URLs...)
}
