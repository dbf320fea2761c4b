// Package videocall is the rules of janus.plugin.videocall: calls between two registered names (spec/other-plugins.md,
// section 2).
//
// All names and calls are one room, with one writer, so that nobody can be called twice at the same moment. A handle is in
// it from the first request that leaves something behind. Descriptions go from one endpoint to the other by way of a node,
// which has a peer for each and passes them on in its own words.
package videocall
