// Package textroom is the TextRoom: chat rooms over data channels (spec/other-plugins.md, section 3).
//
// A handle's PeerConnection is kept in a room of the handle's own, which the handle is bound to. Each text room is a room as
// well, in which handles have places, as many as they join: their peers may be on any nodes. What an endpoint sends
// over its data channel comes from its node as an event of its peer, and is decided in the text room that it names; what a
// rule says to data channels goes to the nodes once the text room is written, in the order of the writes.
package textroom
