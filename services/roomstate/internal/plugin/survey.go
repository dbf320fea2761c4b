package plugin

// Surveyed is a Plugin into whose rooms administrators can look.
type Surveyed interface {
	// RoomOf is the name of the room that has this id, the id as people write it. There may be no such room.
	RoomOf(id string) string
	// Survey tells who is in a room; false if there is no such room.
	Survey(room Room) (Survey, bool)
}

// Survey is a room as administrators see it.
type Survey struct {
	ID          any // as the plugin writes it in JSON
	Description string
	Present     []Present // in a steady order
}

// Present is a handle in a room, or a participant without one.
type Present struct {
	Handle  HandleID // zero for what no handle has
	Role    string   // publisher, subscriber or member
	ID      any      // as the plugin writes it in JSON; nil for none
	Display string
	Node    string // the id of the node that has its PeerConnection; empty for none
	Next    string // likewise, of the one that is to take it over
	Up      bool   // its media or data channel is
	Streams int    // that it publishes, or that it is sent
}
