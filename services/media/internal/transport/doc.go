// Package transport is where a node meets the network: one UDP port (and ICE-TCP on the same number), ICE-lite, DTLS,
// SRTP and SCTP. It is the only package that knows these protocols; what passes its border is plain RTP, RTCP and
// messages.
//
// A Worker owns a socket and the peers heard on it. Its goroutine reads a burst of datagrams, tells them apart
// (RFC 7983), decrypts, and calls each peer's Handler; packets that handlers send are encrypted on the same
// goroutine and leave at the end of the burst. So the packet path takes no lock, allocates nothing and changes no
// goroutine. Handshakes and data channels have goroutines of their own and are fed through bounded queues.
package transport
