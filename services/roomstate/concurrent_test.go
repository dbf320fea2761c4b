package roomstate_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
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

// When very many sockets close at once their sessions end late, but none is refused, and nobody else is either.
func TestManySocketsLostAtOnceAreAllTaken(t *testing.T) {
	c := startCluster(t, 1)
	e := c.edge()
	bystander := e.session()
	// More than are carried out at once. Their endpoints hear nothing, so they have no subscriptions here.
	sockets := make([]*busv1.Command, 600)
	var wg sync.WaitGroup
	for i := range sockets {
		sockets[i] = &busv1.Command{SessionId: randomID(), Socket: &busv1.Socket{Edge: "e", Id: fmt.Sprint(i)}}
		wg.Go(func() {
			create := proto.CloneOf(sockets[i])
			create.Verb = &busv1.Command_Create{Create: &busv1.Create{}}
			if _, err := e.do(create); err != nil {
				t.Errorf("create: %v", err)
			}
		})
	}
	wg.Wait()
	for _, lost := range sockets {
		wg.Go(func() {
			lost.Verb = &busv1.Command_Lost{Lost: &busv1.Lost{}}
			if _, err := e.do(lost); err != nil && fault.Of(err) != fault.SessionNotFound { // of a repeat
				t.Errorf("lost: %v", err)
			}
		})
	}
	for range 20 {
		touch := bystander.command()
		touch.Verb = &busv1.Command_Touch{Touch: &busv1.Touch{}}
		bystander.must(touch)
	}
	wg.Wait()
}

// A publisher may put another stream in an m= section that it no longer uses. Who watched the one before gets silence
// in its place, and everything else as before.
func TestARecycledSectionHoldsUpNoWatcher(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	al, bo, cy := e.session().attach(videoRoom), e.session().attach(videoRoom), e.session().attach(videoRoom)
	al.send(`{"request":"create","room":1,"publishers":6}`)
	for id, h := range map[int]*handle{101: al, 102: cy} {
		h.send(fmt.Sprintf(`{"request":"join","room":1,"ptype":"publisher","id":%d}`, id))
		h.send(`{"request":"publish"}`, "offer", "audio:opus video:vp8")
		node.up(h.id)
	}
	if got, _ := bo.send(`{"request":"join","room":1,"ptype":"subscriber","streams":[{"feed":101}]}`); got["videoroom"] != "attached" {
		t.Fatal(got)
	}
	bo.send(`{"request":"start"}`, "answer", "yes")
	if got, _ := al.send(`{"request":"configure"}`, "offer", "audio:opus video:vp8@again"); got["configured"] != "ok" {
		t.Fatal(got)
	}
	if got, _ := bo.send(`{"request":"subscribe","streams":[{"feed":102},{"feed":101,"mid":"again"}]}`); got["videoroom"] != "updated" {
		t.Fatal(got)
	}
	node.mu.Lock()
	defer node.mu.Unlock()
	slots := node.slots[fmt.Sprintf("%d/%d/1", bo.session.id, bo.id)]
	var sources []string
	for _, s := range slots {
		sources = append(sources, s.GetSource().GetMid())
	}
	if want := []string{"0", "", "0", "1", "again"}; !slices.Equal(sources, want) {
		t.Errorf("slots relay %q, want %q", sources, want)
	}
}
