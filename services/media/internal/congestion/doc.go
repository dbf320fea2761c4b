// Package congestion estimates how much one connection can take, from what its endpoint says of the packets that were
// sent: transport-wide feedback, or REMB where that is all there is.
//
// The estimator is after Google's congestion control (draft-ietf-rmcat-gcc-02): delay that grows is over-use, the
// rate falls to a part of what arrives, and climbs again. It differs where a forwarder does. Bursts are not paced, so
// it is not the delay of every packet that counts but the least of a short interval: the queue that a burst leaves
// behind, not the one that it is. Loss counts against what the path loses anyhow. And what is sent is mostly less than
// the path could take, so the estimate climbs by probes rather than by time.
//
// Nothing here locks, reads a clock, or allocates after the first packet. Rates are of whole datagrams, IP and UDP
// included, in bits a second. Times are on the node's clock.
package congestion
