package plugin

import "github.com/cardea-rtc/cardea/proto/mediav1"

// Plugin is what roomstate runs. Its methods are pure and safe for concurrent use.
type Plugin interface {
	// Name is the package name that endpoints attach to.
	Name() string
	// Route says where a message is to be decided.
	Route(cmd Command) Route
	// Load makes a room from its stored fields; none of them mean that there is no such room.
	Load(name string, fields map[string]string) (Room, error)
}

// Texting is a Plugin whose endpoints make requests over data channels as well.
type Texting interface {
	// RouteText says in which room a text of cmd's is decided, cmd being what a node says of a peer; empty for none.
	RouteText(cmd Command) string
}

// Moving is a Plugin whose rules can have a peer go on with another node.
type Moving interface{ Moves() }

// Administered is a Plugin that answers administrators itself. To others their requests are messages without a session, if
// those are answered at once.
type Administered interface {
	// Administer returns the answer to a JSON object, another one.
	Administer(request []byte) []byte
}

// RefusesAdministrators is a Plugin that has words for administrators who ask what only handles can.
type RefusesAdministrators interface {
	// RefuseAdministrator returns the answer to a JSON object, another one.
	RefuseAdministrator(request []byte) []byte
}

// Described is a Plugin that has something to tell administrators of its handles.
type Described interface {
	// Describe returns a JSON object of what a room of the plugin's knows of a handle that is bound to it.
	Describe(room Room, h HandleID) any
}

// Measured is what Describe may return, if there is more to be told of a handle with a peer.
type Measured interface {
	// With returns all that is to be told, of what its node says; peer is nil for none.
	With(peer *mediav1.DescribePeerResponse) any
}

// Route is where a message goes, and how it is answered.
type Route struct {
	Room  string // empty for a message that concerns none: it is decided where it arrived
	Async bool   // acknowledged at once, answered by an event
}

// Room is a value: a rule returns the next one and leaves this as it was.
type Room interface {
	// Apply runs the rule of the turn's command.
	Apply(t *Turn) Result
}

// Result is what a rule decided. It means nothing if the turn still has open questions.
type Result struct {
	// Next is the room from now on; nil leaves it as it is.
	Next Room
	// Set and Delete are the stored fields that change with it. Drop deletes the room as a whole.
	Set    map[string][]byte
	Delete []string
	Drop   bool
	// Index replaces the room's entry in the list of rooms, if not nil.
	Index []byte
}
