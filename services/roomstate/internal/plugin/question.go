package plugin

import (
	"fmt"
	"hash/fnv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// Question is something that a rule has to know, and cannot.
type Question struct {
	// Node is who is asked Request, a request of mediav1 about Handle's peer. Request is nil for the other kinds.
	Node    string
	Handle  HandleID
	Told    uint64 // Peer.Told: an answer counts only as long as nobody else told the node something
	Request proto.Message
	// Other is another handle whose peer Request is about as well, and OtherTold that one's Told; zero for none.
	Other     HandleID
	OtherTold uint64
	// Place asks for a node that has room for new work: the first of Near that has, else any but Not. One that is where any of Avoid is,
	// or was, is taken only if there is no other.
	Place bool
	Near  []string
	Not   string // empty for none
	Avoid []string
	Load  Load // of the new work, by estimate
	// Spent asks for the last generation of Handle's that was given up before its peer came to anything, 0 for none.
	Spent bool
	// Rooms asks for the index entries of all rooms of the plugin, in no order; Count for how many there are.
	Rooms bool
	Count bool
}

// Load is what a peer takes of a node, a second, received and sent.
type Load struct{ Packets, Bits uint64 }

// Plus returns the sum.
func (l Load) Plus(more Load) Load { return Load{l.Packets + more.Packets, l.Bits + more.Bits} }

// Times returns n of it.
func (l Load) Times(n int) Load { return Load{l.Packets * uint64(n), l.Bits * uint64(n)} }

// What a stream is reckoned at before it is there: Opus in packets of 20 ms, video of a camera.
var (
	AudioLoad = Load{50, 40_000}
	VideoLoad = Load{200, 1_500_000}
)

// LoadOf is that of the m= sections of an SDP.
func LoadOf(sdp string) Load {
	count := func(kind string) int { return strings.Count("\n"+sdp, "\nm="+kind+" ") }
	return AudioLoad.Times(count("audio")).Plus(VideoLoad.Times(count("video")))
}

// Overfull is a node that has more than there is room for: the calls that are there have grown.
type Overfull struct {
	Node  string  // its id
	Share float64 // of its capacity, above 1
	Peers int     // that have to go, by what one takes on average
}

// key is equal for equal questions.
func (q Question) key() string {
	if q.Spent {
		return "spent " + q.Handle.String()
	}
	if q.Request == nil {
		return fmt.Sprintf("place %t %q %q %q %v rooms %t count %t", q.Place, q.Near, q.Not, q.Avoid, q.Load, q.Rooms, q.Count)
	}
	h := fnv.New128a()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(q.Request)
	if err != nil {
		panic(fmt.Sprintf("question %T cannot be encoded: %v", q.Request, err)) // only text that is not UTF-8 does this
	}
	_, _ = h.Write(b)
	return fmt.Sprintf("%s %s %d %s %d %s %x", q.Node, q.Handle, q.Told, q.Other, q.OtherTold, q.Request.ProtoReflect().Descriptor().Name(), h.Sum(nil))
}

// ID is the command id under which a node remembers its answer: equal for an equal question of the same command.
func (q Question) ID(command string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(q.key()))
	return fmt.Sprintf("%s.%x", command, h.Sum(nil))
}

// Makes returns the peers that a node makes for q: those that it did not have, which nobody told it anything of yet. One that it
// was to take over is not among them: it gives that up by itself, and to close it could meet the next attempt, of the same generation.
func (q Question) Makes() []PeerKey {
	var made []PeerKey
	add := func(p *mediav1.PeerID, handle HandleID, told uint64) {
		if told == 0 {
			made = append(made, PeerKey{Node: q.Node, Handle: handle, Generation: p.GetGeneration()})
		}
	}
	switch r := q.Request.(type) {
	case *mediav1.AcceptOfferRequest:
		add(r.GetPeer(), q.Handle, q.Told)
	case *mediav1.MakeOfferRequest:
		add(r.GetPeer(), q.Handle, q.Told)
	case *mediav1.PassOfferRequest:
		add(r.GetFrom().GetPeer(), q.Handle, q.Told)
		add(r.GetTo().GetPeer(), q.Other, q.OtherTold)
	case *mediav1.AcceptRemoteRequest:
		add(r.GetPeer(), q.Handle, q.Told)
	}
	return made
}

// Answer is what came back.
type Answer struct {
	Response proto.Message // of a node
	Node     string        // of Place
	Rooms    [][]byte      // of Rooms
	Count    int           // of Count
	Spent    uint32        // of Spent
	Err      error         // carries a fault.Reason
}

// Answers are those known so far.
type Answers map[string]Answer

// Placed returns those to questions for a node: asked again, it would be reserved again.
func (a Answers) Placed() Answers {
	placed := Answers{}
	for key, answer := range a {
		if strings.HasPrefix(key, placeKey) {
			placed[key] = answer
		}
	}
	return placed
}

// placeKey begins the keys of questions for a node.
const placeKey = "place true"

// Put records the answer to q.
func (a Answers) Put(q Question, answer Answer) { a[q.key()] = answer }
