// Package relay is what two nodes say to each other by datagrams, one of which relays a feed to the other: what a datagram
// is about, what has not come, and how their clocks differ. It knows neither sockets nor streams, and neither locks nor
// reads a clock.
package relay
