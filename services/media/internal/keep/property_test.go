package keep

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// world is nodes, of which one at a time has a peer, their keepers, and what roomstate has noted: all that can be stopped, cut
// off or delayed is, by chance.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	now   time.Duration
	nodes []*simNode
	used  map[uint64]string // indexes, and who has sent under them

	noted struct { // in the store; see Holder.change
		change uint64
		keeper int
	}
	fenced  map[int]bool
	taking  *taking
	rescued int
}

// simNode is a process that may have the peer, and keep it for another.
type simNode struct {
	id      int
	vault   *Vault
	stopped bool
	cut     map[int]bool // others that cannot be reached, nor the store, which is -1
	skewed  time.Duration

	has    bool
	next   uint64 // index of the next packet
	bounds Bounds
	keeper int // that was noted; -1 for none
	change uint64
	open   bool
	line   uint64
	wire   []message // to the keeper, in order; it may be cut at any time
	back   []uint64  // serials that the keeper has taken, on their way back
	stray  []stray   // what is on its way still by lines that have ended
}

type stray struct {
	keeper  int
	line    uint64
	message message
}

type message struct {
	line, serial uint64
	begin        uint64
	opens        bool
	change       uint64
}

// taking is a peer on its way from a keeper to another node.
type taking struct {
	owner, keeper, to int
	token             string
}

var simPeer = Peer{Session: 1, Handle: 1, Generation: 1}

func name(id int) string { return fmt.Sprint("node-", id) }

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 1)), used: map[uint64]string{}, fenced: map[int]bool{}}
	for i := range 12 {
		w.add(i)
	}
	w.nodes[0].has = true
	w.noted.keeper = -1
	return w
}

func (w *world) add(id int) {
	n := &simNode{id: id, cut: map[int]bool{}, keeper: -1}
	n.vault = NewVault(func() time.Duration { return w.now + n.skewed })
	w.nodes = append(w.nodes, n)
}

func (w *world) owner() *simNode {
	for _, n := range w.nodes {
		if n.has && !w.fenced[n.id] {
			return n
		}
	}
	return nil
}

func (w *world) reach(from, to int) bool {
	return !w.nodes[from].cut[to] && (to < 0 || !w.nodes[to].stopped && !w.nodes[to].cut[from])
}

// send has a node send a packet, if it may. A fenced one that does not know it yet tries as well.
func (w *world) send(n *simNode) {
	if n.stopped || !n.has || n.next >= n.bounds.Of(Index{SSRC: 1}) {
		return
	}
	if by, twice := w.used[n.next]; twice {
		w.t.Fatalf("index %d: used by %s, and by %s", n.next, by, name(n.id))
	}
	w.used[n.next] = name(n.id)
	n.next++
}

// keep has a node give its value to its keeper.
func (w *world) keep(n *simNode) {
	if n.stopped || !n.has || n.keeper < 0 || n.bounds.Full() {
		return
	}
	if !n.open {
		n.open = true
		n.wire = append(n.wire, message{opens: true, change: n.change})
	}
	begin := n.next + 1 + w.rand.Uint64N(20)
	n.wire = append(n.wire, message{serial: n.bounds.Send(mark(begin)), begin: begin})
}

// deliver has one message arrive at the keeper, or one answer at the owner. What is on its way may be so for as long as it likes,
// whoever has been stopped or cut off meanwhile.
func (w *world) deliver(n *simNode) {
	if len(n.back) > 0 && !n.stopped && w.rand.IntN(2) == 0 {
		n.bounds.Acknowledged(n.back[0])
		n.back = n.back[1:]
		return
	}
	if len(n.stray) > 0 && w.rand.IntN(4) == 0 {
		s := n.stray[0]
		n.stray = n.stray[1:]
		_ = w.nodes[s.keeper].vault.Put(name(n.id), s.line, simPeer, s.message.serial, fmt.Append(nil, s.message.begin))
		return
	}
	if len(n.wire) == 0 || n.keeper < 0 || w.nodes[n.keeper].stopped {
		return
	}
	v, m := w.nodes[n.keeper].vault, n.wire[0]
	n.wire = n.wire[1:]
	if m.opens {
		line, _, err := v.Open(name(n.id), m.change)
		if err != nil {
			w.hangUp(n)
			if !n.stopped {
				n.has = false // it is told
			}
			return
		}
		n.line = line
		return
	}
	switch err := v.Put(name(n.id), n.line, simPeer, m.serial, fmt.Append(nil, m.begin)); err {
	case nil:
		n.back = append(n.back, m.serial)
	default:
		w.hangUp(n)
	}
}

func (w *world) hangUp(n *simNode) {
	for _, m := range n.wire {
		if n.line > 0 && !m.opens {
			n.stray = append(n.stray, stray{n.keeper, n.line, m})
		}
	}
	n.open, n.line, n.wire, n.back = false, 0, nil, nil
}

// change has a node note another keeper, whose answer may be lost; or it finds that it is fenced.
func (w *world) change(n *simNode) {
	if n.stopped || !n.has || n.cut[-1] {
		return
	}
	n.change++
	keeper := w.rand.IntN(len(w.nodes))
	if keeper == n.id {
		keeper = -1
	}
	if w.fenced[n.id] {
		n.has = false
		return
	}
	if w.owner() != n {
		return
	}
	if n.change > w.noted.change {
		w.noted.change, w.noted.keeper = n.change, keeper
	}
	if w.rand.IntN(3) == 0 {
		return // the answer is lost
	}
	w.hangUp(n)
	n.keeper = keeper
	n.bounds.Free()
}

// condemn has roomstate take the owner for dead, rightly or not, and fence it.
func (w *world) condemn() {
	n := w.owner()
	if n == nil || w.taking != nil {
		return
	}
	keeper := w.noted.keeper
	change := w.noted.change
	if keeper < 0 {
		return // it is not fenced: nothing of it is given to anybody
	}
	w.fenced[n.id] = true
	w.noted.change, w.noted.keeper = 0, -1
	if w.nodes[keeper].stopped || w.fenced[keeper] {
		return // as without a keeper
	}
	if slices.Contains(w.nodes[keeper].vault.Fence(name(n.id), change), simPeer) {
		w.taking = &taking{owner: n.id, keeper: keeper}
	}
}

// take has a node go on from what is kept, which may fail at each step and be tried by another.
func (w *world) take() {
	k := w.taking
	if k == nil || w.nodes[k.keeper].stopped {
		return
	}
	v := w.nodes[k.keeper].vault
	if k.token == "" || w.rand.IntN(3) == 0 { // the one before has come to nothing, as far as anybody knows
		k.to = w.rand.IntN(len(w.nodes))
		k.token = fmt.Sprint(name(k.to), " ", w.rand.Uint64())
		if _, err := v.Look(name(k.owner), simPeer, k.token); err != nil {
			w.taking = nil
		}
		return
	}
	state, err := v.Take(name(k.owner), simPeer, k.token)
	if err != nil {
		w.taking = nil
		return
	}
	to := w.nodes[k.to]
	if w.rand.IntN(4) == 0 {
		return // the answer is lost
	}
	if w.fenced[to.id] || to.stopped || to.has {
		if w.rand.IntN(2) == 0 {
			w.taking = nil // nobody has it any more
		}
		return
	}
	var begin uint64
	if _, err := fmt.Sscan(string(state), &begin); err != nil {
		w.t.Fatal(err)
	}
	if w.taking.token = ""; w.rand.IntN(2) == 0 {
		w.taking = nil // else nobody knows that it has come to something
	}
	w.rescued++
	to.has, to.next, to.bounds, to.keeper, to.change = true, begin, Bounds{}, -1, 0
	w.hangUp(to)
}

func (w *world) step() {
	n := w.nodes[w.rand.IntN(len(w.nodes))]
	if o := w.owner(); o != nil && w.rand.IntN(2) == 0 {
		n = o
	}
	switch w.rand.IntN(60) {
	case 0:
		n.stopped = !n.stopped && w.rand.IntN(2) == 0
	case 1:
		other := w.rand.IntN(len(w.nodes)+1) - 1
		n.cut[other] = !n.cut[other] && w.rand.IntN(2) == 0
	case 2:
		if w.rand.IntN(10) == 0 {
			w.now += time.Duration(w.rand.Int64N(int64(2 * forgottenAfter)))
		}
		w.now += time.Duration(w.rand.Int64N(int64(time.Second)))
	case 3:
		if w.rand.IntN(5) == 0 {
			w.condemn()
		}
	case 4:
		w.hangUp(n)
	case 5:
		n.skewed += time.Duration(w.rand.Int64N(int64(time.Second))) // clocks do not agree
	case 6:
		if n.keeper < 0 || w.rand.IntN(4) == 0 {
			w.change(n)
		}
	case 7, 8, 9, 10, 11:
		w.take()
	case 12, 13, 14, 15, 16, 17:
		w.keep(n)
	case 18, 19, 20, 21, 22, 23, 24, 25, 26:
		if n.keeper < 0 || w.reach(n.id, n.keeper) || w.rand.IntN(10) == 0 {
			w.deliver(n)
		}
	default:
		for range 1 + w.rand.IntN(8) {
			w.send(n)
		}
	}
}

// over is true when nobody has the peer any more, or there are too few nodes to go on.
func (w *world) over() bool { return w.owner() == nil && w.taking == nil }

// TestNoIndexIsEverUsedTwice has nodes be stopped, cut off, taken for dead and succeeded in all orders.
func TestNoIndexIsEverUsedTwice(t *testing.T) {
	worlds := uint64(1000)
	if testing.Short() {
		worlds = 200
	}
	rescued := 0
	for seed := range worlds {
		w := newWorld(t, seed)
		for step := 0; step < 5000 && !w.over(); step++ {
			w.step()
		}
		rescued += w.rescued
	}
	if rescued < int(worlds)/10 {
		t.Errorf("only %d times a peer went on elsewhere, in %d worlds", rescued, worlds)
	}
}
