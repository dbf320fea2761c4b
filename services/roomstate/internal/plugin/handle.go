package plugin

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// HandleID names a handle. Handle numbers are unique in their session only.
type HandleID struct{ Session, Handle uint64 }

func (id HandleID) String() string { return fmt.Sprintf("%d/%d", id.Session, id.Handle) }

// Compare orders handles.
func (id HandleID) Compare(other HandleID) int {
	if id.Session != other.Session {
		return cmp.Compare(id.Session, other.Session)
	}
	return cmp.Compare(id.Handle, other.Handle)
}

// ParseHandleID reads what String wrote.
func ParseHandleID(s string) (HandleID, error) {
	session, handle, ok := strings.Cut(s, "/")
	if !ok {
		return HandleID{}, fmt.Errorf("handle id %q has no slash", s)
	}
	var id HandleID
	var err error
	if id.Session, err = strconv.ParseUint(session, 10, 64); err != nil {
		return HandleID{}, fmt.Errorf("handle id %q: %w", s, err)
	}
	if id.Handle, err = strconv.ParseUint(handle, 10, 64); err != nil {
		return HandleID{}, fmt.Errorf("handle id %q: %w", s, err)
	}
	return id, nil
}

// MarshalText and UnmarshalText make a HandleID a key in JSON.
func (id HandleID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *HandleID) UnmarshalText(b []byte) error {
	parsed, err := ParseHandleID(string(b))
	*id = parsed
	return err
}

// Handle is what is known of a handle outside its plugin.
type Handle struct {
	ID       HandleID `json:"-"`
	Plugin   string   `json:"plugin"`
	OpaqueID string   `json:"opaque_id,omitempty"`
	Room     string   `json:"room,omitempty"` // where its state is, once it is bound to a room; it stays so
	Role     string   `json:"role,omitempty"` // in that room, as the plugin calls it
	Token    string   `json:"token,omitempty"`
	Created  int64    `json:"created,omitempty"` // ms since 1970
	Rights   *Rights  `json:"rights,omitempty"`  // nil for what anybody may; never changed
}

// Command is something that happened to a handle.
type Command struct {
	*busv1.Command
	Handle Handle
	// Over says that the session is gone already: the handle leaves, and nobody waits for an answer.
	Over bool
	// Full says that the session has made as many rooms as it may.
	Full bool
}

// Peer is a PeerConnection of a handle, on a node.
type Peer struct {
	Node       string `json:"node"`
	Generation uint32 `json:"generation"`
	Up         bool   `json:"up,omitempty"`
	// Next is the id of the node that is to take the peer over, empty for none. Until it has, the peer is Node's.
	Next string `json:"next,omitempty"`
	// Saved says that Next takes it from the value that a third node keeps, since Node is dead.
	Saved bool `json:"saved,omitempty"`
	// Was is the id of the node that it moved from, and Left when, in ms since 1970; empty for none.
	Was  string `json:"was,omitempty"`
	Left int64  `json:"left,omitempty"`
	// Told counts what the node has been told of the peer, so that an answer which crossed another is not believed.
	Told uint64 `json:"told,omitempty"`
}

// Keys name the peer on its node, and on the one that is to take it over.
func (p *Peer) Keys(h HandleID) []PeerKey {
	keys := []PeerKey{{Node: p.Node, Handle: h, Generation: p.Generation}}
	if p.Next != "" {
		keys = append(keys, PeerKey{Node: p.Next, Handle: h, Generation: p.Generation})
	}
	return keys
}
