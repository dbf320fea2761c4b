package plugin

import (
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// Turn is one run of a rule: what it goes by, and what it says besides the next room.
type Turn struct {
	Command Command
	Now     time.Time
	// Alive tells whether a node is there, as far as this replica knows.
	Alive func(node string) bool

	answers Answers

	// Open are the questions that have no answer yet. If there are any, all that follows is void.
	Open []Question

	// Reply is the synchronous answer, or the failure; nil means that the answer is an event.
	Reply   []byte
	Failure error
	Events  []*busv1.Event

	// Texts go to data channels of peers, Posts to web servers. Both are sent once the room is written, in order, and
	// lost if this process ends before.
	Texts []Text
	Posts []Post

	// Bind puts the command's handle into a room, for good.
	Bind *Binding
	// Enter says that the command's handle now has state in this room without being bound to it. When the handle ends, it is
	// taken out of such rooms.
	Enter bool
	// Scatter takes the handle out of all such rooms: its peer of that generation is over. 0 does nothing.
	Scatter uint32
	// Follow has all such rooms know on which node the handle's peer is now; nil does nothing.
	Follow *Follow
	// MayHave is how many rooms the command's session may have made that are still there, if the command makes one that counts;
	// 0 if not.
	MayHave int
	// Parted are handles that no longer have such state in this room.
	Parted []HandleID
	// Gone says that the command's handle ceases to exist.
	Gone bool

	Made  []PeerKey // peers that now exist on a node
	Lost  []PeerKey // peers that do not any more
	Tasks []Task

	// Notices are for event handlers, not for endpoints.
	Notices []Notice

	met Limit
}

// Limit is one that a command can meet, as a metric calls it.
type Limit string

// The limits.
const (
	Sessions      Limit = "sessions" // of the cluster
	Handles       Limit = "handles"  // of a session
	Body          Limit = "body"     // of a message
	Rooms         Limit = "rooms"
	SessionRooms  Limit = "session_rooms"
	Participants  Limit = "participants"
	Subscriptions Limit = "subscriptions"
	Publishers    Limit = "publishers"
)

// Limits lists all of them, for counters that are to be there before the first is met.
func Limits() []Limit {
	return []Limit{Sessions, Handles, Body, Rooms, SessionRooms, Participants, Subscriptions, Publishers}
}

// Meet notes that the command is refused since a limit is met.
func (t *Turn) Meet(l Limit) { t.met = l }

// Met is the limit that the command has met, empty for none.
func (t *Turn) Met() Limit { return t.met }

// Notice is what a plugin tells event handlers.
type Notice struct {
	Handle   HandleID // that it is about; zero for none
	OpaqueID string   // of that handle
	Data     any      // a JSON object, not changed any more
}

// Notify adds a notice for event handlers.
func (t *Turn) Notify(h HandleID, opaqueID string, data any) {
	t.Notices = append(t.Notices, Notice{h, opaqueID, data})
}

// HangupReason is what an endpoint is told of a hangup that was asked for, in Janus's words.
func (t *Turn) HangupReason() string {
	if t.Command.GetHangup().GetByAdmin() {
		return "Admin API"
	}
	return "Janus API"
}

// Text is a message for data channels.
type Text struct {
	To   []PeerKey // Node is the node's name, not its id
	Text []byte
}

// Post is a JSON message for a web server.
type Post struct {
	URL  string
	Body []byte
}

// Binding is a handle's place.
type Binding struct{ Room, Role string }

// Follow is where a peer has gone.
type Follow struct {
	Node       string `json:"node"` // its name, not its id
	Generation uint32 `json:"-"`
	At         int64  `json:"at"` // when, in ms since 1970: who hears of two goes by the later
}

// PeerKey names a peer on a node.
type PeerKey struct {
	Node       string
	Handle     HandleID
	Generation uint32
}

// Task is something owed to the outside once the room is written. It is kept until done, may be done twice, and
// outlives the replica that owes it.
type Task struct {
	// Close ends a peer.
	Close *Close `json:"close,omitempty"`
	// Leave takes the handle of an ended session out of its room.
	Leave *Leave `json:"leave,omitempty"`
}

// Close is a peer to be ended.
type Close struct {
	Node       string   `json:"node"`
	Handle     HandleID `json:"handle"`
	Generation uint32   `json:"generation"`
	Reason     string   `json:"reason,omitempty"`
	Quiet      bool     `json:"quiet,omitempty"`
}

// Leave is a handle to be taken out of its room.
type Leave struct {
	ID     HandleID `json:"id"`
	Handle Handle   `json:"handle"`
	// Room is another than the handle is bound to, if not empty, and Generation the handle's peer that is over, 0 for all.
	Room       string `json:"room,omitempty"`
	Generation uint32 `json:"generation,omitempty"`
	// Moved says that the handle does not leave: its peer is on another node. Nil if it does.
	Moved *Follow `json:"moved,omitempty"`
}

// NewTurn begins a turn with the answers known so far.
func NewTurn(cmd Command, now time.Time, alive func(string) bool, answers Answers) *Turn {
	return &Turn{Command: cmd, Now: now, Alive: alive, answers: answers}
}

// Ask returns the answer to q, or notes that it is wanted.
func (t *Turn) Ask(q Question) (Answer, bool) {
	answer, ok := t.answers[q.key()]
	if !ok {
		t.Open = append(t.Open, q)
	}
	return answer, ok
}

// Emit adds an event for a handle.
func (t *Turn) Emit(to HandleID, event *busv1.Event) {
	event.SessionId, event.HandleId = to.Session, to.Handle
	t.Events = append(t.Events, event)
}

// Full tells whether the plugin has as many rooms as it may, 0 being no limit. That is not known if the turn has ended.
func (t *Turn) Full(most int) (full, known bool) {
	if most == 0 {
		return false, true
	}
	answer, ok := t.Ask(Question{Count: true})
	if answer.Err != nil {
		t.Failure = answer.Err
	}
	return answer.Count >= most, ok && answer.Err == nil
}

// Counts has the room that the command makes count for its session, which may have most that are still there, 0 being no limit.
// It is false if there are as many.
func (t *Turn) Counts(most int) bool {
	if t.Command.Full {
		t.Meet(SessionRooms)
		return false
	}
	t.MayHave = most
	return true
}

// Answer marks event as the answer to the turn's command, and adds it.
func (t *Turn) Answer(event *busv1.Event) {
	event.CommandId, event.Transaction = t.Command.GetId(), t.Command.GetTransaction()
	t.Emit(t.Command.Handle.ID, event)
}

// RefuseTrickle fails a malformed trickle, as one that comes once offer and answer are done is refused; one that comes
// before is not looked at.
func (t *Turn) RefuseTrickle(negotiated bool) {
	if negotiated && t.Command.GetTrickle().GetMalformed() {
		t.Failure = fault.Newf(fault.BadTrickle, "Malformed trickle candidate")
	}
}

// Close has a peer ended after the write, on whichever node it is by then.
func (t *Turn) Close(handle HandleID, peer *Peer, reason string, quiet bool) {
	for _, node := range []string{peer.Node, peer.Next} {
		if node != "" {
			t.Tasks = append(t.Tasks, Task{Close: &Close{
				Node: node, Handle: handle, Generation: peer.Generation, Reason: reason, Quiet: quiet,
			}})
		}
	}
}
