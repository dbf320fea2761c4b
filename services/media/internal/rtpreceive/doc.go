// Package rtpreceive takes the RTP that another server sends of a publisher of its own (spec/videoroom.md, section 14).
//
// It listens only while there is such a publisher, on ports of a range, and hears only networks that the node's owner has
// named: none by default. A goroutine for each port reads and decrypts; what the packets' owner does not take in time is
// dropped and counted.
package rtpreceive
