// Package node is what a media node knows of calls: peers, the feeds that publishers make, and the slots in which
// subscribers receive them. It knows no room and no plugin.
//
// A Node has a shard for each worker of its port, to whose goroutine all state of the shard belongs. Handles are
// spread over shards by hash. A feed is in its publisher's shard; another shard that has slots for it mirrors it. The
// exported methods of Node may be called from anywhere: they read SDP where they are called, do the rest on a worker,
// and wait for it.
package node
