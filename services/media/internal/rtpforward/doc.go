// Package rtpforward sends RTP and messages to where an application wants them: a recorder, a mixer, an encoder
// (spec/videoroom.md, section 14).
//
// Destinations are within networks that the node's owner has named. Whoever has packets never waits: a goroutine of each
// Socket encrypts and sends them, and what it does not take in time is dropped and counted.
package rtpforward
