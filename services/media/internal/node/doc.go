// Package node is what a media node knows of calls: peers, the feeds that publishers make, and the slots in which
// subscribers receive them. It knows no room and no plugin.
//
// All state belongs to the goroutine of a transport.Worker. The exported methods of Node may be called from anywhere:
// they read SDP where they are called, do the rest on the worker, and wait for it.
package node
