package roomstate_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// Everyone joins and publishes at the same time, while replicas come and go. In the end each knows of every other's
// feed: from its joined or from an event, and once.
func TestNobodyMissesAFeedAndNobodyIsToldTwice(t *testing.T) {
	c := startCluster(t, 1)
	leaves := c.startReplica()
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	const people = 8
	handles := make([]*handle, people)
	for i := range handles {
		handles[i] = e.session().attach(videoRoom)
	}
	if got, _ := handles[0].send(`{"request":"create","room":1,"publishers":20}`); got["videoroom"] != "created" {
		t.Fatal(got)
	}
	var wg sync.WaitGroup
	for i, h := range handles {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 20 * time.Millisecond)
			join := fmt.Sprintf(`{"request":"join","room":1,"ptype":"publisher","id":%d}`, 100+i)
			if got, _ := h.send(join); got["videoroom"] != "joined" {
				t.Errorf("join: %v", got)
			}
			if got, _ := h.send(`{"request":"publish"}`, "offer", "audio:opus"); got["configured"] != "ok" {
				t.Errorf("publish: %v", got)
			}
			node.up(h.id)
		})
	}
	c.startReplica()
	leaves()
	wg.Wait()

	for i, h := range handles {
		for j := range handles {
			if i == j {
				continue
			}
			feed := fmt.Sprintf(`{"id":%d,"audio_codec"`, 100+j)
			h.data(feed)
			times := 0
			for _, e := range h.all() {
				times += strings.Count(string(e.GetPlugin().GetData()), feed)
			}
			if times != 1 {
				t.Errorf("%d was told %d times of %d", 100+i, times, 100+j)
			}
		}
		for k, e := range h.all() {
			if e.GetNumber() != uint64(k+1) {
				t.Errorf("event %d has number %d", k+1, e.GetNumber())
			}
		}
	}
}

// A node that takes its time with one participant holds up no other.
func TestSlowNodeHoldsUpNobodyElse(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	release := make(chan struct{})
	node.hold = sync.OnceFunc(func() { <-release }) // the first waits, and with it whoever asks meanwhile
	e := c.edge()
	al, bo := e.session().attach(videoRoom), e.session().attach(videoRoom)
	al.send(`{"request":"create","room":1}`)
	al.send(`{"request":"join","room":1,"ptype":"publisher","id":1}`)
	done := make(chan object, 1)
	go func() {
		got, _ := al.send(`{"request":"publish"}`, "offer", "audio:opus")
		done <- got
	}()
	time.Sleep(100 * time.Millisecond)
	bo.send(`{"request":"join","room":1,"ptype":"publisher","id":2}`)
	bo.send(`{"request":"configure","display":"Bo"}`)
	select {
	case got := <-done:
		t.Fatalf("the node did not wait: %v", got)
	default:
	}
	close(release)
	if got := <-done; got["configured"] != "ok" {
		t.Error(got)
	}
	al.wait(func(e *busv1.Event) bool { return has(e, `"configured":"ok"`) })
}
