// Package transport is where a node meets the network: one UDP port (and ICE-TCP on the same number), ICE-lite, DTLS,
// SRTP and SCTP. It is the only package that knows these protocols; what passes its border is plain RTP, RTCP and
// messages.
//
// A Group is the workers of one port, a Worker owns one of its sockets and some of the peers. Its goroutine reads a
// burst of datagrams, tells them apart (RFC 7983), decrypts, and calls each peer's Handler; packets that handlers send
// are encrypted on the same goroutine and leave at the end of the burst. So the packet path takes no lock, allocates
// nothing and changes no goroutine, but for datagrams that the kernel gives to another worker's socket: those are
// handed over once per burst (Lane). Handshakes and data channels have goroutines of their own and are fed through
// bounded queues. Timers are on one wheel per worker.
//
// What nodes relay to each other arrives on the same port and leaves in the same batches, in datagrams of its own (see
// RelaySender and RelayReceiver).
package transport
