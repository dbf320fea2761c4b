package roomstate_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

func TestShardsOfADeadReplicaMove(t *testing.T) {
	c := startCluster(t, 1)
	// The second replica is cut off from everything at once, as if killed: it gives nothing back.
	redis, cutRedis := proxy(t, strings.TrimPrefix(c.redisURL, "redis://"))
	nats, cutNATS := proxy(t, strings.TrimPrefix(c.nats.ClientURL(), "nats://"))
	own := c.config
	c.config.RedisURL, c.config.NATSURL = "redis://"+redis, "nats://"+nats
	c.startReplica()
	c.config = own
	time.Sleep(2 * time.Second) // both hold some

	h := c.edge().session().attach(videoRoom)
	rooms := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	for _, room := range rooms {
		if got, _ := h.send(`{"request":"create","room":` + room + `}`); got["videoroom"] != "created" {
			t.Fatal(got)
		}
	}
	cutNATS()
	cutRedis()
	start := time.Now()
	for _, room := range rooms {
		if got, _ := h.send(`{"request":"edit","room":` + room + `,"new_publishers":5}`); got["videoroom"] != "edited" {
			t.Fatal(got)
		}
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("shards moved after %v", took)
	}
}

func TestRedisAwayMakesCommandsWait(t *testing.T) {
	c := startCluster(t, 0)
	if c.redis == nil {
		t.Skip("needs a Redis of its own")
	}
	c.startReplica()
	s := c.edge().session()
	c.redis.SetError("LOADING dataset")
	done := make(chan error, 1)
	go func() {
		cmd := s.command()
		cmd.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
		_, err := s.do(cmd)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("answered without Redis: %v", err)
	case <-time.After(time.Second):
	}
	c.redis.SetError("")
	if err := <-done; err != nil {
		t.Errorf("after its return: %v", err)
	}
}

// The bus gives commands to replicas that were stopped, or cut off, for as long as it does not know. So that one that lives is chosen
// by chance never, there are many of those.
func TestCommandsAreCarriedOutThoughTheBusChoosesReplicasThatAreStopped(t *testing.T) {
	c := startCluster(t, 2)
	stopped, err := bus.Connect(c.nats.ClientURL(), "stopped", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer stopped.Close()
	for range 200 {
		if _, err := stopped.QueueSubscribe(bus.Commands, bus.CommandsQueue, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := stopped.Flush(); err != nil {
		t.Fatal(err)
	}
	s := c.edge().session()
	h := s.attach(videoRoom)
	h.send(`{"request":"create","room":1}`)
	if got, _ := h.send(`{"request":"join","room":1,"ptype":"publisher"}`); got["videoroom"] != "joined" {
		t.Errorf("join: %v", got)
	}
	joined := 0
	for _, e := range s.all() {
		if has(e, `"joined"`) {
			joined++
		}
	}
	if joined != 1 {
		t.Errorf("joined %d times", joined)
	}
}

func TestCallsOfADeadNodeEnd(t *testing.T) {
	c := startCluster(t, 2)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	h, o := e.session().attach(videoRoom), e.session().attach(videoRoom)
	h.send(`{"request":"create","room":1}`)
	o.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	h.send(`{"request":"publish"}`, "offer", "audio:opus")
	node.up(h.id)
	o.data(`"publishers"`)

	node.stop()
	h.wait(func(e *busv1.Event) bool { return e.GetHangup().GetReason() == "ICE failed" })
	o.data(`"unpublished":77`)

	// The room goes to another node when one is needed.
	startNode(t, c.conn, "node-2")
	deadline := time.Now().Add(5 * time.Second)
	for {
		if got, _ := h.send(`{"request":"publish"}`, "offer", "audio:opus"); got["configured"] == "ok" {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(got)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestNodesOutliveTheBus(t *testing.T) {
	c := startCluster(t, 0)
	if c.redis == nil {
		t.Skip("looks into a Redis of its own")
	}
	nats, cutNATS := proxy(t, strings.TrimPrefix(c.nats.ClientURL(), "nats://"))
	c.config.NATSURL = "nats://" + nats
	c.startReplica()
	node := startNode(t, c.conn, "node-1")
	h := c.edge().session().attach(videoRoom)
	h.send(`{"request":"create","room":1}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":77}`)
	h.send(`{"request":"publish"}`, "offer", "audio:opus")
	cutNATS()
	node.health.Shutdown() // even if it does not answer either
	time.Sleep(5 * time.Second)
	if peers, err := c.peersOn("node-1"); err != nil || len(peers) != 1 {
		t.Errorf("peers: %v, %v", peers, err)
	}
}

func TestLimitsAreSaidPlainly(t *testing.T) {
	c := startCluster(t, 1, func(cfg *roomstate.Config) { cfg.MaxBody = 64 })
	h := c.edge().session().attach(videoRoom)
	_, err := h.do(h.message(`{"request":"exists","room":1,"x":"` + strings.Repeat("x", 100) + `"}`))
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := h.requests.Do(ctx, bus.Commands, &busv1.Command{Id: bus.NewCommandID()}, nil); err == nil {
		t.Error("a command without a verb was done")
	}
}

// TestRemotePublisherOfADeadNodeLeaves: no handle has it, but its room hears of its end.
func TestRemotePublisherOfADeadNodeLeaves(t *testing.T) {
	c := startCluster(t, 2)
	node := startNode(t, c.conn, "node-1")
	h := c.edge().session().attach(videoRoom)
	h.send(`{"request":"create","room":1,"audiolevel_event":true}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher"}`)
	got, _ := h.send(`{"request":"add_remote_publisher","room":1,"id":77,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus","audiolevel_ext_id":1}]}`)
	if got["videoroom"] != "success" {
		t.Fatal(got)
	}
	h.data(`"publishers"`)
	// What its node says of it gets to the room as well.
	node.mu.Lock()
	var far *mediav1.PeerID
	for _, p := range node.peers {
		far = p
	}
	node.mu.Unlock()
	node.say(far, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Talking_{Talking: &busv1.PeerEvent_Talking{Mid: "0", Talking: true, Level: 20}}})
	h.data(`"talking"`)
	node.stop()
	h.data(`"leaving":77`)
}
