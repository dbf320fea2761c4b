package simulation

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// patience is how long a client waits before it does what follows, at most.
const patience = 400 * time.Millisecond

// client is an endpoint: in a room as a participant, of whom some publish, and with one subscription to everyone else's feeds.
type client struct {
	w         *world
	index     int
	room      int
	publishes bool
	edge      int // -1 for none
	socket    string
	session   uint64
	gone      bool // has left, or is not heard of any more

	last   uint64 // number of the last event that was heard
	heard  int
	digest uint64 // of them

	participant, subscription uint64 // handles
	joined, up                bool
	watching                  bool // the subscription's PeerConnection is up
	view                      map[int]bool
	shown                     map[int]bool // feeds in the subscription, as we were told last
	attached, busy, offered   bool
	trying                    bool // sync is to be called
	claiming                  bool
}

func (w *world) newClient() {
	c := &client{
		w: w, index: len(w.everyone) + 1, room: w.rng.IntN(w.cfg.rooms), publishes: w.rng.IntN(10) < 3, edge: w.rng.IntN(edges),
		session: w.newID(), view: map[int]bool{}, shown: map[int]bool{},
	}
	c.socket = fmt.Sprintf("s%d", c.index)
	w.clients, w.everyone = append(w.clients, c), append(w.everyone, c)
	w.sessions[c.session] = c
	w.counts.Sessions++
	c.command(0, &busv1.Command{Verb: &busv1.Command_Create{Create: &busv1.Create{}}})
	c.soon(func() {
		c.participant = c.attach()
		c.soon(c.join)
	})
	c.keepAlive()
}

// tell is for whoever looks for a mistake.
func (c *client) tell(format string, args ...any) {
	if *trace != "" && slices.Contains(strings.Split(*trace, ","), fmt.Sprint(c.index)) {
		c.w.t.Logf("%v client %d "+format, append([]any{time.Since(c.w.began), c.index}, args...)...)
	}
}

// soon does something a little later, if the client is still there.
func (c *client) soon(do func()) { c.later(c.w.upTo(patience), do) }

func (c *client) later(d time.Duration, do func()) {
	c.w.after(d, func() {
		if !c.gone {
			do()
		}
	})
}

func (c *client) keepAlive() {
	c.later(keepalive*3/4+c.w.upTo(keepalive/4), func() {
		c.touch()
		c.keepAlive()
	})
}

func (c *client) touch() {
	c.command(0, &busv1.Command{Verb: &busv1.Command_Touch{Touch: &busv1.Touch{}}})
}

// command makes a request as an edge does. Nil means that it failed.
func (c *client) command(handle uint64, cmd *busv1.Command) *busv1.Reply {
	reply, _ := c.try(handle, cmd)
	return reply
}

func (c *client) try(handle uint64, cmd *busv1.Command) (*busv1.Reply, error) {
	w := c.w
	cmd.Id, cmd.SessionId, cmd.HandleId, cmd.Delivered = w.commandID(), c.session, handle, c.last
	cmd.Socket = &busv1.Socket{Edge: fmt.Sprint(c.edge), Id: c.socket, Events: fmt.Sprint("edge ", c.edge)}
	if cmd.Transaction == "" {
		cmd.Transaction = cmd.GetId()
	}
	reply, err := w.Do(w.ctx, bus.Commands, cmd, nil)
	c.tell("asks %v: %v, %v", cmd, reply, err)
	switch fault.Of(err) {
	case "", fault.NodeUnavailable, fault.TooBusy, fault.UnexpectedAnswer, fault.WrongState:
	case fault.SessionNotFound, fault.HandleNotFound:
		if !c.gone {
			w.t.Errorf("client %d, session %d: %v", c.index, c.session, err)
			c.gone = true
		}
	default:
		w.t.Errorf("client %d: %T: %v", c.index, cmd.GetVerb(), err)
	}
	for _, e := range reply.GetRaised() {
		if c.edge >= 0 {
			c.hear(e)
		}
	}
	if err == nil && reply.GetLastEvent() > c.last && !c.gone && !c.claiming {
		c.resume()
	}
	return reply, err
}

func (c *client) attach() uint64 {
	h := c.w.newID()
	c.command(0, &busv1.Command{Verb: &busv1.Command_Attach{Attach: &busv1.Attach{NewHandleId: h, Plugin: videoroom.Name}}})
	return h
}

func (c *client) message(h uint64, body, kind, sdp string) (*busv1.Reply, error) {
	m := &busv1.Message{Body: []byte(body)}
	if kind != "" {
		m.Jsep = &busv1.Jsep{Type: kind, Sdp: sdp}
	}
	return c.try(h, &busv1.Command{Verb: &busv1.Command_Message{Message: m}})
}

func (c *client) join() {
	body := fmt.Sprintf(`{"request":"join","ptype":"publisher","room":%d,"id":%d}`, c.room+1, c.index)
	_, _ = c.message(c.participant, body, "", "")
}

// publish offers sound and a picture. It is tried again while no node has room.
func (c *client) publish() {
	offer := "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\nm=video 9 UDP/TLS/RTP/SAVPF 96\n"
	if _, err := c.message(c.participant, `{"request":"publish"}`, "offer", offer); err != nil {
		c.w.counts.Refused++
		c.later(2*time.Second, c.publish)
	}
}

// sync has the subscription be what there is to see.
func (c *client) sync() {
	if c.trying {
		return
	}
	c.trying = true
	c.soon(func() {
		c.trying = false
		c.subscribe()
	})
}

func (c *client) subscribe() {
	if c.busy || c.offered || !c.joined {
		return // the answer to that calls again
	}
	var more []string
	for _, feed := range sorted(c.view) {
		if !c.shown[feed] {
			more = append(more, fmt.Sprintf(`{"feed":%d}`, feed))
		}
	}
	if len(more) == 0 {
		return
	}
	list := "[" + join(more) + "]"
	body := `{"request":"update","subscribe":` + list + `}`
	if !c.attached {
		c.subscription = c.attach()
		body = fmt.Sprintf(`{"request":"join","ptype":"subscriber","room":%d,"streams":%s}`, c.room+1, list)
	}
	c.busy = true
	if _, err := c.message(c.subscription, body, "", ""); err != nil {
		c.w.counts.Refused++
		c.again(2 * time.Second)
	}
}

// again begins anew with the subscription.
func (c *client) again(d time.Duration) {
	if !c.attached && c.subscription != 0 {
		c.command(c.subscription, &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{}}})
		c.subscription = 0
	}
	c.later(d, func() { c.busy = false; c.sync() })
}

// hear takes an event from the bus. What is missing before it is asked for.
func (c *client) hear(e *busv1.Event) {
	switch number := e.GetNumber(); {
	case number <= c.last:
		c.w.counts.Doubled++
	case number == c.last+1:
		c.take(e)
	default:
		c.resume()
	}
}

func (c *client) resume() {
	r := c.w.replicas[c.w.rng.IntN(len(c.w.replicas))]
	var missed *busv1.Events
	c.w.insist("resume", func() (err error) {
		missed, err = r.sessions.Resume(c.w.ctx, &busv1.Resume{SessionId: c.session, After: c.last})
		return err
	})
	c.w.counts.Resumed++
	for _, e := range missed.GetEvents() {
		if e.GetNumber() != c.last+1 {
			c.w.t.Errorf("client %d: event %d after %d", c.index, e.GetNumber(), c.last)
		}
		c.take(e)
	}
}

func (c *client) take(e *busv1.Event) {
	c.last = e.GetNumber()
	c.tell("hears %v", e)
	c.heard++
	c.w.counts.Events++
	var data struct {
		VideoRoom   string `json:"videoroom"`
		ErrorCode   int    `json:"error_code"`
		Publishers  []struct{ ID int }
		Unpublished any
		Leaving     any
		Started     string
		Streams     []struct {
			Active bool
			FeedID int `json:"feed_id"`
		}
	}
	if p := e.GetPlugin(); p != nil {
		if err := json.Unmarshal(p.GetData(), &data); err != nil {
			c.w.t.Errorf("client %d: %s: %v", c.index, p.GetData(), err)
		}
	}
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%x %d %T %v", c.digest, c.last, e.GetKind(), data)
	c.digest = sum.Sum64()
	if c.gone {
		return
	}
	switch e.GetHandleId() {
	case c.participant:
		for _, p := range data.Publishers {
			if c.view[p.ID] {
				c.w.t.Errorf("client %d is told of feed %d twice", c.index, p.ID)
			}
			c.view[p.ID] = true
			c.sync()
		}
		for _, left := range []any{data.Unpublished, data.Leaving} {
			if id, ok := left.(float64); ok {
				delete(c.view, int(id))
			}
		}
		c.ofParticipant(e, data.VideoRoom, data.ErrorCode)
	case c.subscription:
		if data.VideoRoom == "attached" || data.VideoRoom == "updated" && len(data.Streams) > 0 {
			clear(c.shown)
			for _, s := range data.Streams {
				if s.Active {
					c.shown[s.FeedID] = true
				}
			}
		}
		c.ofSubscription(e, data.VideoRoom, data.ErrorCode, data.Started)
	}
}

func (c *client) ofParticipant(e *busv1.Event, word string, code int) {
	switch {
	case code != 0:
		c.w.t.Errorf("client %d: %s", c.index, e.GetPlugin().GetData())
	case word == "joined":
		c.joined = true
		c.w.rooms[c.room][c.index] = c
		if c.publishes {
			c.soon(c.publish)
		}
		c.sync()
	case e.GetWebrtcUp() != nil:
		c.up = true
	case e.GetHangup() != nil:
		c.up = false
		c.w.counts.HangupsOfPublishers++
		c.later(time.Second, c.publish)
	}
}

func (c *client) ofSubscription(e *busv1.Event, word string, code int, started string) {
	switch {
	case code != 0: // a feed has gone meanwhile
		c.again(time.Second)
	case e.GetPlugin().GetJsep() != nil:
		c.attached, c.offered = true, true
		c.soon(c.answer)
	case word == "updated": // nothing to negotiate, or still an answer to wait for
		c.busy = false
		c.sync()
	case started == "ok":
		c.busy, c.offered = false, false
		c.sync()
	case e.GetWebrtcUp() != nil:
		c.watching = true
	case e.GetHangup() != nil:
		c.w.counts.HangupsOfSubscribers++
		c.command(c.subscription, &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{}}})
		c.attached, c.offered, c.busy, c.watching, c.subscription = false, false, false, false, 0
		clear(c.shown)
		c.later(time.Second, c.sync)
	}
}

func (c *client) answer() {
	if !c.offered {
		return
	}
	h := c.subscription
	if _, err := c.message(h, `{"request":"start"}`, "answer", "answer"); err != nil {
		c.w.counts.Refused++
		c.later(time.Second, func() {
			if h == c.subscription {
				c.answer()
			}
		})
	}
}

// leave ends it all in one of the ways that there are, the last of which is without a word.
func (c *client) leave() {
	if c.gone {
		return
	}
	w := c.w
	switch w.rng.IntN(4) {
	case 0:
		if c.joined {
			_, _ = c.message(c.participant, `{"request":"leave"}`, "", "")
		}
		c.command(0, &busv1.Command{Verb: &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}})
	case 1:
		if c.participant != 0 {
			c.command(c.participant, &busv1.Command{Verb: &busv1.Command_Detach{Detach: &busv1.Detach{}}})
		}
		c.command(0, &busv1.Command{Verb: &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}})
	case 2:
		c.command(0, &busv1.Command{Verb: &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}})
	default:
		w.counts.Vanished++
		w.after(silent, func() { w.fallSilent(c.session) })
	}
	c.gone, c.edge = true, -1
	delete(w.rooms[c.room], c.index)
	w.clients = slices.DeleteFunc(w.clients, func(other *client) bool { return other == c })
}

// killEdge has all sockets of an edge break. Their clients claim their sessions at others.
func (w *world) killEdge() {
	dead := w.rng.IntN(edges)
	w.counts.EdgesKilled++
	for _, c := range w.clients {
		if c.edge != dead {
			continue
		}
		c.edge = -1
		c.later(w.upTo(2*time.Second), func() {
			c.edge = (dead + 1 + w.rng.IntN(edges-1)) % edges
			c.claim()
		})
	}
}

// claim is at an edge that does not know what the last one had delivered.
func (c *client) claim() {
	had := c.last
	c.socket = c.w.commandID()
	c.last = 0 // which is what that edge says
	c.claiming = true
	claimed := c.command(0, &busv1.Command{Verb: &busv1.Command_Claim{Claim: &busv1.Claim{}}})
	c.last, c.claiming = had, false
	for _, e := range claimed.GetDone().GetMissed() {
		switch number := e.GetNumber(); {
		case number <= had:
			c.w.counts.GivenAgain++
		case number == c.last+1:
			c.take(e)
		default:
			c.w.t.Errorf("client %d: event %d after %d", c.index, number, c.last)
		}
	}
	c.w.counts.Claims++
}

func (c *client) handles() []plugin.HandleID {
	return []plugin.HandleID{{Session: c.session, Handle: c.participant}, {Session: c.session, Handle: c.subscription}}
}
