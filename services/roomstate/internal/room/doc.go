// Package room runs the rules of plugins: it reads a room, has a rule decide, asks nodes what the rule has to know,
// and writes what was decided.
//
// Within this process one command at a time has a room's turn, which covers the rule and the write, and one command
// at a time talks to the node about a peer. Nodes are asked outside the turn, so a slow one holds up nobody else.
// Another replica may own the room at the same moment: then the store refuses one of the writes, and its rule
// decides again.
package room
