// Package store keeps what must outlive every process, in Redis.
//
// All that one command changes is written by one script (ADR 2): the room, if its version is still the one that was
// read, the handles it binds or ends, the events it raises, what is owed to nodes, and the answer under the
// command's id. So a command has happened as a whole or not at all, and happens once.
//
// Keys begin with {cardea}: a Redis Cluster keeps them in one slot, which lets scripts make key names.
//
//	{cardea}:session:<id>   hash: socket, socket_id, edge (that socket, and where its edge hears events), last, lost, events, delivered, handles, h:<handle>, s:<handle> (spent generations),
//	                        p:<handle>:<room> (the handle has state in that room, without being bound to it), c:<handle> (a capture that waits for the handle's
//	                        PeerConnection), rooms (how many it has made that are there);
//	                        of one that is polled: poll (the newest), taker, taken_until (who is given events, till when)
//	                        timeout (ms, if set for this session), created (ms)
//	{cardea}:sessions       set: sessions
//	{cardea}:settings       hash: what administrators have set: session_timeout (ms), accept_new_sessions (0 or 1), log_level
//	{cardea}:tokens         hash: stored token → JSON array of the plugins that it is for
//	{cardea}:log:<id>       list: the newest events, "<number>:<event>"
//	{cardea}:deadlines      zset: session → when to look whether it has ended, ms
//	{cardea}:room:<name>    hash: version, maker (the session that made it, if any), and the plugin's fields
//	{cardea}:rooms:<plugin> hash: room → index entry
//	{cardea}:answer:<id>    string: the events that a command raised, a line end, and its answer; for a while
//	{cardea}:tasks          zset: what is owed → when to try it again, ms
//	{cardea}:nodes          hash: node → where it answers
//	{cardea}:node:<id>      set: peers on a node
//	{cardea}:handleless     hash: remote publisher, which has no handle → where its peer is kept
//	{cardea}:drains         hash: node → since when, until when and of how many peers it is drained
//	{cardea}:drain:<id>     string: replica that moves the peers of a node; for a while
//	{cardea}:keeper:<id>    hash: keeper, change, fenced; at a replica of Redis, if there is one, before it counts
//	{cardea}:replicas       zset: replica → until when it counts as alive, ms of the server's clock
//	{cardea}:shards         hash: shard → "<holder> <until>", likewise
//
// Times are milliseconds since 1970 by the replica's clock, but for leases, which go by the server's.
package store
