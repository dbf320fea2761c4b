package roomstate_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

// channel notes what a node is told to send over data channels, "<generation of the peer> <text>" each.
type channel struct {
	mu   sync.Mutex
	said []string
}

func (c *cluster) channel(node string) *channel {
	c.t.Helper()
	ch := &channel{}
	sub, err := c.conn.Subscribe(bus.NodeTexts(node), func(m *nats.Msg) {
		var all busv1.Texts
		if err := proto.Unmarshal(m.Data, &all); err != nil {
			c.t.Error(err)
		}
		ch.mu.Lock()
		defer ch.mu.Unlock()
		for _, text := range all.GetTexts() {
			for _, to := range text.GetTo() {
				ch.said = append(ch.said, fmt.Sprintf("%d %s", to.GetGeneration(), text.GetText()))
			}
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = sub.Unsubscribe() })
	if err := c.conn.Flush(); err != nil {
		c.t.Fatal(err)
	}
	return ch
}

// wait returns once some text holds part, and all that was said until then.
func (ch *channel) wait(t *testing.T, part string) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		ch.mu.Lock()
		said := append([]string{}, ch.said...)
		ch.mu.Unlock()
		for _, text := range said {
			if strings.Contains(text, part) {
				return said
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody said %q, but %q", part, said)
		}
	}
}

// says is a text that came to a node over a handle's data channel.
func (h *handle) says(node, text string) {
	h.t.Helper()
	cmd := h.command()
	cmd.Verb = &busv1.Command_Peer{Peer: &busv1.PeerEvent{
		Node: node, Generation: 1, Kind: &busv1.PeerEvent_Text_{Text: &busv1.PeerEvent_Text{Text: []byte(text)}},
	}}
	h.must(cmd)
}

func TestTextsReachAllNodesOfARoomInOrder(t *testing.T) {
	c := startCluster(t, 2, func(cfg *roomstate.Config) { cfg.MaxTextRooms, cfg.MaxTextHistory = 10, 10 })
	here, there := c.channel("here"), c.channel("there, with a space")
	startNode(t, c.conn, "here")
	e := c.edge()
	al, bo := e.session().attach("janus.plugin.textroom"), e.session().attach("janus.plugin.textroom")
	for _, h := range []*handle{al, bo} {
		if _, event := h.send(`{"request":"setup"}`); event.GetPlugin().GetJsep().GetType() != "offer" {
			t.Fatalf("no offer: %v", event)
		}
	}
	if made, _ := al.send(`{"request":"create","room":7}`); made["textroom"] != "created" {
		t.Fatal(made)
	}
	al.says("here", `{"textroom":"join","transaction":"t","room":7,"username":"al"}`)
	bo.says("there, with a space", `{"textroom":"join","transaction":"t","room":7,"username":"bo"}`)
	const messages = 40
	for i := range messages {
		al.says("here", `{"textroom":"message","transaction":"t","room":7,"text":"m`+fmt.Sprint(i)+`.","ack":false}`)
	}
	last := fmt.Sprintf("m%d.", messages-1)
	for _, ch := range []*channel{here, there} {
		next := 0
		for _, text := range ch.wait(t, last) {
			if strings.Contains(text, `"textroom":"message"`) {
				if !strings.Contains(text, fmt.Sprintf(`"m%d."`, next)) {
					t.Fatalf("message %d is %s", next, text)
				}
				next++
			}
		}
		if next != messages {
			t.Errorf("%d messages", next)
		}
	}

	end := bo.session.command()
	end.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
	bo.must(end)
	here.wait(t, `{"room":7,"textroom":"leave","username":"bo"}`)
}
