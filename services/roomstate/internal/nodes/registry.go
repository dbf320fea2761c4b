package nodes

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

const (
	// silence is how long a node may go unheard before it is asked whether it lives.
	silence = 2500 * time.Millisecond
	// brief is how long it may go unheard, which is more than a beat, where nothing listens any more at its address.
	brief = 700 * time.Millisecond
)

// directory is what all replicas know of nodes.
type directory interface {
	KnowNode(ctx context.Context, node, address string) error
	Nodes(ctx context.Context) (map[string]string, error)
	ForgetNode(ctx context.Context, node string) error
}

// Bus is what beats come by.
type Bus interface {
	// IsConnected may be true for seconds of a bus that stands still.
	IsConnected() bool
	// FlushWithContext returns when the bus has answered.
	FlushWithContext(ctx context.Context) error
}

// Registry is the nodes, as this replica knows them.
type Registry struct {
	directory directory
	bus       Bus
	log       *slog.Logger
	dialWith  credentials.TransportCredentials

	// Draw returns a number from 0 to n-1, by chance: with the same numbers and beats, the same work goes to the same nodes.
	Draw func(n int) int

	mu      sync.Mutex
	nodes   map[string]*node // by id
	gone    map[string]former
	learned bool          // whether the directory has been read
	deaths  uint64        // see Deaths
	asking  chan struct{} // a token for each node that is asked whether it lives
}

type node struct {
	address string
	status  *busv1.NodeStatus // nil if only known from the directory
	heard   time.Time         // when it was last heard, or learnt of
	dead    bool
	buried  bool // bury is at it
	asked   bool // whether it lives, at this moment
	placed  []reservation
	conn    *grpc.ClientConn
	reach   reach
}

// former is where a node was that is gone.
type former struct {
	address string
	until   time.Time // that this is remembered
}

// rememberedFor is how long it matters where a node was.
const rememberedFor = time.Minute

// addresses are where nodes are or, of those that are gone for a short time, were.
func (r *Registry) addresses(ids []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, id := range ids {
		if n, ok := r.nodes[id]; ok {
			all = append(all, n.address)
		} else if f, ok := r.gone[id]; ok {
			all = append(all, f.address)
		}
	}
	return all
}

// New returns an empty registry.
func New(d directory, bus Bus, log *slog.Logger) *Registry {
	return &Registry{
		directory: d, bus: bus, log: log, Draw: rand.IntN, nodes: map[string]*node{}, gone: map[string]former{}, asking: make(chan struct{}, mostAsked), dialWith: insecure.NewCredentials(),
	}
}

// DialWith has nodes be asked with credentials, from the first on: it is called before any is known. Without it they are asked in
// plain text.
func (r *Registry) DialWith(c credentials.TransportCredentials) { r.dialWith = c }

// Close ends all connections.
func (r *Registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n.conn != nil {
			_ = n.conn.Close()
		}
	}
	r.nodes = map[string]*node{}
}

// Heard takes a node's beat. It reports whether that is the first of it here.
func (r *Registry) Heard(s *busv1.NodeStatus, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, known := r.nodes[s.GetId()]
	if !known {
		n = &node{}
		r.nodes[s.GetId()] = n
		r.log.Info("node appeared", "node", s.GetId(), "name", s.GetName(), "address", s.GetGrpcAddress())
	}
	if n.dead {
		return false // its calls have been ended; it has to come back under another id
	}
	first := n.status == nil
	n.address, n.status, n.heard = s.GetGrpcAddress(), s, now
	if s.GetLeaving() {
		n.heard = now.Add(-silence) // looked at with the next check
	}
	return first
}

// Alive tells whether a node may still be there. Before anything is known of any, all are.
func (r *Registry) Alive(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[id]
	if !ok {
		return !r.learned
	}
	return !n.dead
}

// Census is what the nodes that live say of themselves: how many peers they have together, and how often they tell event
// handlers of media, in seconds.
func (r *Registry) Census() (peers int, statsPeriod uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n.status != nil && !n.dead {
			peers += int(n.status.GetPeers())
			statsPeriod = max(statsPeriod, n.status.GetStatsPeriodS())
		}
	}
	return peers, statsPeriod
}
