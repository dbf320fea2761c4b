package simulation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/drain"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	beatEvery  = 500 * time.Millisecond
	connecting = 300 * time.Millisecond // ICE and DTLS
	following  = 400 * time.Millisecond // of an endpoint, to another node
	unfollowed = 10 * time.Second       // until a node gives up to wait for it
	silent     = 20 * time.Second       // until a node takes an endpoint to be gone
)

// node is a media node without media.
type node struct {
	id, name string
	dead     bool
	draining bool
	capacity uint64 // packets a second
	packets  uint64 // of its peers
	peers    map[peerID]*peer
	keeper   *node
	change   uint64           // how many times it has been another
	kept     map[peerID]*peer // of the node whose keeper this is, as they were when it died
	fenced   bool
}

type peerID struct {
	handle     plugin.HandleID
	generation uint32
}

type peer struct {
	up      bool
	awaited bool // is to be taken over
	from    *node
	load    uint64
	slots   []*mediav1.Slot
}

func (w *world) newNode() *node {
	// Together they are to be two thirds full: of ten sessions, three publish to nine others.
	perSession := 0.3*250 + 0.3*9*250
	n := &node{
		id: fmt.Sprintf("n%d", len(w.born)), peers: map[peerID]*peer{},
		capacity: uint64(1.5 * perSession * float64(w.cfg.sessions) / float64(w.cfg.nodes)),
	}
	names := map[string]bool{}
	for _, other := range w.living() {
		names[other.name] = true
	}
	for i := 0; n.name == ""; i++ { // as a StatefulSet names them
		if name := fmt.Sprintf("media-%d", i); !names[name] {
			n.name = name
		}
	}
	w.mu.Lock()
	w.nodes[n.id] = n
	w.mu.Unlock()
	w.born = append(w.born, n)
	w.keepers()
	w.beat(n)
	return n
}

// living are the nodes that live, by age.
func (w *world) living() []*node {
	return slices.DeleteFunc(slices.Clone(w.born), func(n *node) bool { return n.dead })
}

// keepers has each node's values kept by the next.
func (w *world) keepers() {
	all := w.living()
	for i, n := range all {
		keeper := all[(i+1)%len(all)]
		if keeper == n || n.keeper == keeper {
			continue
		}
		n.keeper = keeper
		n.change++
		w.insist("note a keeper", func() error {
			_, err := w.store.KeepNode(w.ctx, n.id, keeperOf(n))
			return err
		})
	}
}

func keeperOf(n *node) store.Keeper {
	if n.keeper == nil {
		return store.Keeper{}
	}
	return store.Keeper{Node: n.keeper.id, Change: n.change}
}

func (w *world) beat(n *node) {
	if n.dead {
		return
	}
	for _, r := range w.replicas {
		r.seen.Heard(&busv1.NodeStatus{
			Id: n.id, Name: n.name, GrpcAddress: n.id, Draining: n.draining, Peers: uint32(len(n.peers)),
			PacketsPerSecond: n.packets, CapacityPackets: n.capacity, Keeper: keeperOf(n).Node, KeeperChange: keeperOf(n).Change,
		}, time.Now())
	}
	w.after(beatEvery, func() { w.beat(n) })
}

// call asks a node.
func (w *world) call(id string, request proto.Message) (proto.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.nodes[id]
	if n == nil || n.dead {
		return nil, fault.New(fault.NodeUnavailable, errors.New("no connection"))
	}
	switch r := request.(type) {
	case *mediav1.AcceptOfferRequest:
		p, err := n.peer(w, r.GetPeer(), true)
		if err != nil {
			return nil, err
		}
		n.carries(p, packets(plugin.LoadOf(r.GetSdp())))
		w.connect(n, r.GetPeer())
		return &mediav1.AcceptOfferResponse{Sdp: "answer", Streams: []*mediav1.PublishedStream{
			{Mid: "0", Kind: mediav1.Kind_KIND_AUDIO, Codec: "opus"}, {Mid: "1", Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp8"},
		}}, nil
	case *mediav1.MakeOfferRequest:
		p, err := n.peer(w, r.GetPeer(), true)
		if err != nil {
			return nil, err
		}
		n.shows(p, r.GetSlots())
		return &mediav1.MakeOfferResponse{Sdp: "offer"}, nil
	case *mediav1.AcceptAnswerRequest:
		p, err := n.peer(w, r.GetPeer(), false)
		if err != nil {
			return nil, err
		}
		w.connect(n, r.GetPeer())
		ready := &mediav1.AcceptAnswerResponse{}
		for _, slot := range p.slots {
			if slot.GetSource() != nil {
				ready.Ready = append(ready.Ready, slot.GetMid())
			}
		}
		return ready, nil
	case *mediav1.UpdateSubscriberRequest:
		p, err := n.peer(w, r.GetPeer(), false)
		if err != nil {
			return nil, err
		}
		n.shows(p, r.GetSlots())
		return &mediav1.UpdateSubscriberResponse{}, nil
	case *mediav1.UpdatePublisherRequest:
		_, err := n.peer(w, r.GetPeer(), false)
		return &mediav1.UpdatePublisherResponse{}, err
	case *mediav1.ClosePeerRequest:
		n.closePeer(w, r)
		return &mediav1.ClosePeerResponse{}, nil
	case *mediav1.TakePeerRequest:
		return n.await(w, r)
	case *mediav1.FenceRequest:
		return n.fence(w, r)
	}
	return nil, fault.New(fault.Internal, fmt.Errorf("%T", request))
}

func idOf(p *mediav1.PeerID) peerID {
	return peerID{plugin.HandleID{Session: p.GetSessionId(), Handle: p.GetHandleId()}, p.GetGeneration()}
}

// peer finds a peer, or makes it; an earlier one of the handle's ends with that.
func (n *node) peer(w *world, p *mediav1.PeerID, make bool) (*peer, error) {
	id := idOf(p)
	if found := n.peers[id]; found != nil {
		return found, nil
	}
	if !make {
		return nil, fault.New(fault.NoSuchPeer, nil)
	}
	for g := uint32(1); g < id.generation; g++ {
		n.drop(peerID{id.handle, g})
	}
	made := new(peer)
	n.peers[id] = made
	return made, nil
}

func (n *node) drop(id peerID) {
	if p := n.peers[id]; p != nil {
		n.packets -= p.load
		delete(n.peers, id)
	}
}

func (n *node) carries(p *peer, load uint64) {
	n.packets += load - p.load
	p.load = load
}

func (n *node) shows(p *peer, slots []*mediav1.Slot) {
	p.slots = slots
	load := plugin.Load{}
	for _, s := range slots {
		switch {
		case s.GetSource().GetFeed() == "":
		case s.GetKind() == mediav1.Kind_KIND_AUDIO:
			load = load.Plus(plugin.AudioLoad)
		default:
			load = load.Plus(plugin.VideoLoad)
		}
	}
	n.carries(p, packets(load))
}

func packets(l plugin.Load) uint64 { return l.Packets }

// connect has the endpoint come, if it has not yet.
func (w *world) connect(n *node, p *mediav1.PeerID) {
	id := idOf(p)
	w.after(connecting+w.upTo(connecting), func() {
		there := n.peers[id]
		switch {
		case n.dead || there == nil || there.up:
			return
		case w.gone(id):
			w.after(silent, func() { w.fallSilent(id.handle.Session) })
			return
		}
		there.up = true
		w.news(n, id, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Up_{Up: &busv1.PeerEvent_Up{}}})
	})
}

// news is what a node says of a peer.
func (w *world) news(n *node, id peerID, e *busv1.PeerEvent) {
	e.Node, e.NodeId, e.Generation = n.name, n.id, id.generation
	cmd := &busv1.Command{
		Id: w.commandID(), SessionId: id.handle.Session, HandleId: id.handle.Handle, Verb: &busv1.Command_Peer{Peer: e},
	}
	var tell func()
	tell = func() {
		_, err := w.Do(w.ctx, bus.Commands, cmd, nil)
		switch fault.Of(err) {
		case fault.NodeUnavailable, fault.TooBusy:
			w.after(time.Second, tell)
		}
	}
	tell()
}

func (n *node) closePeer(w *world, r *mediav1.ClosePeerRequest) {
	id := idOf(r.GetPeer())
	if n.peers[id] == nil {
		return
	}
	n.drop(id)
	if !r.GetQuiet() {
		closed := &busv1.PeerEvent{Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: r.GetReason()}}}
		w.after(0, func() { w.news(n, id, closed) })
	}
}

// gone tells whether a peer's endpoint is not there any more.
func (w *world) gone(id peerID) bool {
	c := w.sessions[id.handle.Session]
	return c != nil && c.gone
}

// fallSilent has nodes notice that a session's endpoint does not answer any more.
func (w *world) fallSilent(session uint64) {
	for _, n := range w.living() {
		for _, id := range n.ids() {
			if id.handle.Session == session {
				n.drop(id)
				w.news(n, id, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: "ICE failed"}}})
			}
		}
	}
}

// await begins to wait for the endpoint of a peer of another node's, which may be dead.
func (n *node) await(w *world, r *mediav1.TakePeerRequest) (proto.Message, error) {
	from, id := w.nodes[r.GetFrom()], idOf(r.GetPeer())
	has := func() map[peerID]*peer {
		switch keeper := w.nodes[r.GetKeeper()]; {
		case r.GetKeeper() == "" && !from.dead:
			return from.peers
		case keeper != nil && !keeper.dead:
			return keeper.kept
		}
		return nil
	}
	if p := has()[id]; p == nil {
		return nil, fault.New(fault.NoSuchPeer, nil)
	}
	if n.peers[id] == nil {
		n.peers[id] = &peer{awaited: true}
		w.after(unfollowed, func() {
			if p := n.peers[id]; !n.dead && p != nil && p.awaited {
				n.drop(id)
				w.news(n, id, &busv1.PeerEvent{Kind: &busv1.PeerEvent_NotMoved_{NotMoved: &busv1.PeerEvent_NotMoved{}}})
			}
		})
	}
	w.after(following+w.upTo(following), func() {
		here, there := n.peers[id], has()[id]
		if n.dead || here == nil || !here.awaited || there == nil || !there.up || w.gone(id) {
			return
		}
		here.awaited, here.up = false, true
		if len(here.slots) == 0 {
			here.slots = there.slots
		}
		n.carries(here, there.load)
		if r.GetKeeper() == "" {
			from.drop(id)
		} else {
			delete(has(), id)
		}
		w.counts.Moved++
		w.news(n, id, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}})
	})
	return &mediav1.TakePeerResponse{Candidates: []string{"1 1 udp 5 192.0.2.1 9 typ host"}}, nil
}

// fence gives what this node keeps of a dead one.
func (n *node) fence(w *world, r *mediav1.FenceRequest) (proto.Message, error) {
	owner := w.nodes[r.GetOwner()]
	if owner == nil || owner.keeper != n {
		return nil, fault.New(fault.WrongState, errors.New("keeps nothing of it"))
	}
	if !owner.fenced {
		owner.fenced = true
		if n.kept == nil {
			n.kept = map[peerID]*peer{}
		}
		for id, p := range owner.peers {
			if p.up {
				n.kept[id] = p
			}
		}
	}
	answer := &mediav1.FenceResponse{}
	for id := range owner.peers {
		if n.kept[id] != nil {
			answer.Kept = append(answer.Kept, &mediav1.PeerID{
				SessionId: id.handle.Session, HandleId: id.handle.Handle, Generation: id.generation,
			})
		}
	}
	return answer, nil
}

func (w *world) anyNode(fits func(n *node) bool) *node {
	all := slices.DeleteFunc(w.living(), func(n *node) bool { return n.draining || !fits(n) })
	if len(all) < 3 {
		return nil
	}
	return all[w.rng.IntN(len(all))]
}

// killNode ends a node that has peers. Another comes in its place.
func (w *world) killNode() {
	n := w.anyNode(func(n *node) bool { return len(n.peers) > 0 })
	if n == nil {
		return
	}
	w.counts.NodesKilled++
	w.ends(n)
}

func (w *world) ends(n *node) {
	w.mu.Lock()
	n.dead = true
	w.mu.Unlock()
	w.keepers()
	for i, r := range w.replicas {
		w.after(time.Second+time.Duration(i)*70*time.Millisecond, func() { w.bury(r, n) })
	}
	w.after(20*time.Second, func() { w.newNode() })
}

// bury has a replica deal with a dead node, as its registry does.
func (w *world) bury(r *replica, n *node) {
	w.mu.Lock()
	r.seen.dead[n.id] = true
	w.mu.Unlock()
	w.gate.users.Add(1)
	w.burials.Go(func() {
		defer w.gate.users.Add(-1)
		for range 1000 {
			if done, err := r.burial.Bury(w.ctx, n.id); done && err == nil {
				return
			}
			time.Sleep(100*time.Millisecond + time.Duration(r.number+1)*time.Nanosecond)
		}
		w.t.Errorf("node %s is never buried", n.id)
	})
}

// drainNode moves all peers of a node to others, and ends it then.
func (w *world) drainNode() {
	n := w.anyNode(func(n *node) bool { return len(n.peers) > 0 })
	if n == nil {
		return
	}
	n.draining = true
	w.counts.NodesDrained++
	until := time.Now().Add(30 * time.Second)
	var again func()
	again = func() {
		if n.dead {
			return
		}
		left := n.ids()
		if len(left) == 0 || time.Now().After(until) {
			w.counts.NotDrained += len(left)
			w.ends(n)
			return
		}
		for _, id := range left {
			_ = drain.Move(w.ctx, w, id.handle, n.id, "") // what cannot be moved yet is tried again
		}
		w.after(time.Second, again)
	}
	w.after(time.Second, again)
}

// ids are a node's peers, in order.
func (n *node) ids() []peerID {
	var all []peerID
	for id := range n.peers {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b peerID) int {
		return cmp.Or(
			cmp.Compare(a.handle.Session, b.handle.Session), cmp.Compare(a.handle.Handle, b.handle.Handle), cmp.Compare(a.generation, b.generation),
		)
	})
	return all
}

// balance says how full the nodes are.
func (w *world) balance() string {
	var used, over int
	var most float64
	var total uint64
	all := w.living()
	for _, n := range all {
		share := float64(n.packets) / float64(n.capacity)
		most = max(most, share)
		if n.packets > 0 {
			used++
		}
		if share > 1 {
			over++
		}
		total += n.packets
	}
	fill := float64(total) / float64(all[0].capacity) / float64(len(all))
	w.bounded(over, most, fill, len(all))
	return strings.TrimSpace(fmt.Sprintf("%d of %d in use, %.0f %% full in all, the fullest %.0f %%", used, len(all), 100*fill, 100*most))
}
