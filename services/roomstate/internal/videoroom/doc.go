// Package videoroom is the rules of janus.plugin.videoroom: what an unmodified VideoRoom client may see.
//
// A rule takes a room and a command and makes a draft of the next room, answers, events and tasks; it does no I/O.
// requests.go has the table of requests; each has a file of its own. peer.go is what nodes say, negotiate.go what
// they are asked.
//
// Where Janus does what it plainly does not mean to, this does better: spec/videoroom.md, section 17, lists it. Texts,
// codes and shapes are Janus's, since clients and their tests match on them.
package videoroom
