// Package forward takes the packets of publishers to subscribers.
//
// A Stream is one m= section of a publisher: one to three layers, each with one ring of received packets. A Leg is
// the subscriber's end of one m= section: it chooses a layer, rewrites, and hands finished packets to a Sender; it
// outlives the streams that it is connected to. Loss is repaired on both sides by itself: a Stream asks the publisher
// for what is missing, a Leg answers its subscriber from the Stream's ring.
//
// All of a stream and its legs belongs to one goroutine, which calls Receive for each packet of a burst, Flush once
// at its end, and Tick every 10 to 20 ms. Nothing here locks, starts goroutines, reads a clock, or allocates for a
// packet. Callbacks are made from within these calls and must not call back into the stream or the leg, but may note
// what is to be done. Times are on the node's clock (see package packet).
package forward
