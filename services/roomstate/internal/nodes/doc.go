// Package nodes knows the media nodes: which there are, how busy they are, and how to call them.
//
// A node is dead when it has not been heard for a while and does not answer its health check either. That the bus or
// the store is away says nothing about nodes: while this replica's own bus is down, no node dies.
package nodes
