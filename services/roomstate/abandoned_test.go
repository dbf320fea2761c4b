package roomstate_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// waitPeers waits until a node has just the peers named.
func waitPeers(t *testing.T, node *fakeNode, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !slices.Equal(node.has(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("peers on the node: %q, not %q", node.has(), want)
		}
	}
}

// What a node makes while nobody is left to have it is closed.
func TestPeerOfAnOfferThatOutlivedItsHandleIsClosed(t *testing.T) {
	ends := map[string]func(h *handle) *busv1.Command{
		"session destroyed": func(h *handle) *busv1.Command {
			cmd := h.session.command()
			cmd.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
			return cmd
		},
		"handle detached": func(h *handle) *busv1.Command {
			cmd := h.command()
			cmd.Verb = &busv1.Command_Detach{Detach: &busv1.Detach{}}
			return cmd
		},
	}
	talks := map[string]func(c *cluster) (h *handle, offer *busv1.Command){
		"publisher": func(c *cluster) (*handle, *busv1.Command) {
			h := c.edge().session().attach(videoRoom)
			h.send(`{"request":"create","room":1}`)
			h.send(`{"request":"join","room":1,"ptype":"publisher","id":1}`)
			return h, h.message(`{"request":"publish"}`, "offer", "audio:opus")
		},
		"echo": func(c *cluster) (*handle, *busv1.Command) {
			h := c.edge().session().attach("janus.plugin.echotest")
			return h, h.message(`{"audio":true}`, "offer", "audio:opus")
		},
		"caller": func(c *cluster) (*handle, *busv1.Command) {
			h := c.edge().caller("al")
			c.edge().caller("bo")
			return h, h.message(`{"request":"call","username":"bo"}`, "offer", "audio:opus")
		},
	}
	for how, end := range ends {
		for who, talk := range talks {
			t.Run(who+", "+how, func(t *testing.T) {
				c := startCluster(t, 1)
				node := startNode(t, c.conn, "node-1")
				asked, release := make(chan struct{}), make(chan struct{})
				node.hold = func() { close(asked); <-release }
				h, offer := talk(c)
				done := make(chan error, 1)
				go func() {
					_, err := h.do(offer)
					done <- err
				}()
				<-asked
				h.must(end(h))
				close(release)
				if err := <-done; err == nil {
					t.Error("the offer was taken")
				}
				waitPeers(t, node)
			})
		}
	}
}

// A request that is refused after a node has made its peer leaves none, and the next begins with another.
func TestPeerOfARefusedRequestIsClosedAndNotUsedAgain(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	node.update = func() error { return errors.New("broken") }
	h := c.edge().session().attach(videoRoom)
	h.send(`{"request":"create","room":1}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":1}`)
	if got, _ := h.send(`{"request":"publish","keyframe":true}`, "offer", "video:vp8"); got["error_code"] != 499.0 {
		t.Fatalf("publish: %v", got)
	}
	if got, _ := h.send(`{"request":"publish"}`, "offer", "video:vp8"); got["configured"] != "ok" {
		t.Fatalf("publish: %v", got)
	}
	waitPeers(t, node, fmt.Sprintf("%d/%d/2", h.session.id, h.id))
}

func TestOfferWithABodyThatIsRefusedNeverReachesANode(t *testing.T) {
	c := startCluster(t, 1)
	node := startNode(t, c.conn, "node-1")
	h := c.edge().session().attach(videoRoom)
	h.send(`{"request":"create","room":1}`)
	h.send(`{"request":"join","room":1,"ptype":"publisher","id":1}`)
	for rest, code := range map[string]float64{
		`"streams":[{"mid":"77","send":true}]`:               428,
		`"streams":[{"send":true},{"mid":"0"}]`:              430,
		`"descriptions":[{}]`:                                429,
		`"descriptions":[{}],"streams":[{"mid":"77"}]`:       429,
		`"audiocodec":"g722","streams":[{"mid":"77"}]`:       428,
		`"streams":[{"mid":"0","min_delay":"not a number"}]`: 430,
	} {
		if got, _ := h.send(`{"request":"configure",`+rest+`}`, "offer", "audio:opus"); got["error_code"] != code {
			t.Errorf("%s: %v", rest, got)
		}
	}
	if len(node.offers) > 0 {
		t.Errorf("the node was asked %d times", len(node.offers))
	}
	if got, _ := h.send(`{"request":"configure"}`, "offer", "audio:opus"); got["configured"] != "ok" {
		t.Errorf("configure: %v", got)
	}
}
