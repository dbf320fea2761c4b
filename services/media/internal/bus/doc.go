// Package bus is a node's side of NATS: it tells roomstate what happens to peers, and everybody that the node lives.
package bus
