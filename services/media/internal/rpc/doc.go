// Package rpc serves a node's gRPC API. Generated types stop here: convert.go makes the node's own of them.
package rpc
