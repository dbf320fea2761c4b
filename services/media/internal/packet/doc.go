// Package packet reads and writes RTP packets (RFC 3550) and the header extensions a conference uses (RFC 8285).
//
// A packet is parsed once, when it arrives, into a Packet whose slices point into the datagram. Writing never keeps
// what it is given. Nothing here allocates, locks, or reads a clock.
//
// Times are on the node's clock: a time.Duration since the Unix epoch, read once at start from the wall clock and
// advanced by the monotonic one ever after. So differences are exact, and NTP can make an NTP timestamp of it.
package packet
