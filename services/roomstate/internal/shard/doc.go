// Package shard divides the rooms among replicas. Each shard of rooms is held by one replica, for as long as
// it says to the store that it is alive; all replicas agree on who should hold what by rendezvous hashing, so that one
// more or fewer moves no shard that need not move. A replica that dies loses its leases, and with them its shards, in less than three seconds.
//
// A lease gives order and speed, not safety: two holders for a moment, of whom one has not noticed yet, write to the
// same rooms, and the store refuses the later of two writes.
package shard
