package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/browser"
	"github.com/cardea-rtc/cardea/tools/chaos/internal/client"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// The rooms.
const (
	told     = 7001 // that of witnesses and guests
	together = 7101 // whose peers are wherever Cardea puts them
	spread   = 7102 // whose peers are on all nodes
	ofRoom   = 3    // publishers, and as many subscribers to each of them
	tabs     = 3    // of the browser, in the demo room
)

// call is all that goes on while things fail.
type call struct {
	cluster    *client.Cluster
	ledger     *client.Ledger
	witnesses  []*client.Witness
	guest      *client.Guest // nil but for the time that is looked at
	guests     uint64        // that there have been
	publishers map[uint64][]*client.Publisher
	subscriber map[uint64][]*client.Subscriber
	browser    *browser.Browser // nil if there is none
}

const setUpTimeout = 120 * time.Second

// begin has everybody join.
func begin(ctx context.Context, c *client.Cluster) (*call, error) {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	k := &call{cluster: c, ledger: &client.Ledger{}, publishers: map[uint64][]*client.Publisher{}, subscriber: map[uint64][]*client.Subscriber{}}
	if err := makeRooms(ctx, c.URLs[0], told, together, spread, crowded); err != nil {
		return k, err
	}
	for i := range 2 {
		w, err := c.Attend(ctx, fmt.Sprint("witness-", i), i, told, k.ledger)
		if err != nil {
			return k, err
		}
		k.witnesses = append(k.witnesses, w)
	}
	return k, errors.Join(k.fill(ctx, together, ofRoom, ofRoom, ofRoom), k.fill(ctx, spread, ofRoom, ofRoom, ofRoom))
}

// browse has tabs of a browser join.
func (k *call) browse(ctx context.Context, edges []browser.Edge) (err error) {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	k.browser, err = browser.Open(ctx, tabs, edges)
	return err
}

// makeRooms creates what is not there.
func makeRooms(ctx context.Context, url string, rooms ...uint64) error {
	conn, err := janus.Dial(ctx, url, func(janus.Message) {})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	session, err := conn.Create(ctx)
	if err != nil {
		return err
	}
	handle, err := conn.Attach(ctx, session, "janus.plugin.videoroom")
	if err != nil {
		return err
	}
	for _, room := range rooms {
		_, err := conn.Message(ctx, session, handle, janus.Object{"request": "create", "room": room, "publishers": 100, "notify_joining": room == told}, nil)
		if e, ok := errors.AsType[*janus.APIError](err); err != nil && (!ok || e.Code != 427) { // it exists
			return fmt.Errorf("room %d: %w", room, err)
		}
	}
	_, err = conn.Request(ctx, janus.Object{"janus": "destroy", "session_id": session})
	return err
}

// fill has publishers join a room, and then subscribers to some of them each.
func (k *call) fill(ctx context.Context, room uint64, publishers, subscribers, each int) error {
	var feeds []uint64
	for i := range publishers {
		p, err := k.cluster.Publish(ctx, fmt.Sprintf("publisher-%d-%d", room, i), i, room)
		if err != nil {
			return err
		}
		k.publishers[room] = append(k.publishers[room], p)
		feeds = append(feeds, p.Feed)
	}
	for i := range subscribers {
		var wanted []uint64
		for n := range each {
			wanted = append(wanted, feeds[(i+n)%len(feeds)])
		}
		s, err := k.cluster.Subscribe(ctx, fmt.Sprintf("subscriber-%d-%d", room, i), i, room, wanted)
		if err != nil {
			return err
		}
		k.subscriber[room] = append(k.subscriber[room], s)
	}
	return nil
}

// crowd has many join, and leave who are many.
func (k *call) crowd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	return k.fill(ctx, crowded, crowdPublishers, crowdSubscribers, crowdFeeds)
}

func (k *call) uncrowd() {
	for _, s := range k.subscriber[crowded] {
		s.Close()
	}
	for _, p := range k.publishers[crowded] {
		p.Close()
	}
	delete(k.subscriber, crowded)
	delete(k.publishers, crowded)
}

// visit begins and ends the time in which somebody comes and goes.
func (k *call) visit(ctx context.Context) (err error) {
	k.guests++
	k.guest, err = k.cluster.Visit(ctx, "guest", int(k.guests), told, k.ledger, k.guests)
	return err
}

func (k *call) visited() {
	if k.guest != nil {
		k.guest.Close()
		k.guest = nil
	}
}

func (k *call) all() (all []client.Client) {
	for _, w := range k.witnesses {
		all = append(all, w)
	}
	for _, room := range []uint64{together, spread, crowded} {
		for _, p := range k.publishers[room] {
			all = append(all, p)
		}
		for _, s := range k.subscriber[room] {
			all = append(all, s)
		}
	}
	if k.guest != nil {
		all = append(all, k.guest)
	}
	if k.browser != nil {
		for _, t := range k.browser.Tabs {
			all = append(all, t)
		}
	}
	return all
}

func (k *call) end() {
	k.visited()
	for _, c := range k.all() {
		c.Close()
	}
	if k.browser != nil {
		_ = k.browser.Close() // its folder may be left
	}
}

// marshal is for figures.
func marshal(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // all of it is plain
	}
	return append(b, '\n')
}
