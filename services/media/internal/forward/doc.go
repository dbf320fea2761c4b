// Package forward takes the packets of publishers to subscribers.
//
// A Stream is one m= section of a publisher: one to three layers, each with one ring of received packets. A Leg is
// the subscriber's end of one m= section: it chooses a layer, rewrites, and hands finished packets to a Sender; it
// outlives the streams that it is connected to. Loss is repaired on both sides by itself: a Stream asks the publisher
// for what is missing, a Leg answers its subscriber from the Stream's ring.
//
// What a leg sends follows from what its stream received by a list of runs, stretches in which outgoing numbers are
// the received ones plus a constant. A run ends where the layer or the source changes, or something is left out. So a
// packet that comes late finds its place, a NACK finds its packet, and a leg costs a few hundred bytes, since it
// keeps no packets. No sequence number is ever used for two packets: SRTP's nonce depends on it.
//
// A replica is a stream whose source is another stream: it is given bursts of packets that have their extended
// numbers already, or, if that is on another node, single packets that do, and asks that stream, not the publisher, for key
// frames. Its legs send what the origin's would.
//
// All of a stream and its legs belongs to one goroutine, which calls Receive for each packet of a burst, Flush once
// at its end, and Tick now and then (see there). Nothing here locks, starts goroutines, reads a clock, or allocates for a
// packet. Callbacks are made from within these calls and must not call back into the stream or the leg, but may note
// what is to be done. Times are on the node's clock (see package packet).
package forward
