// Package simulation is a test of the whole of roomstate at a size that no machine here can have for real: up to hundreds of
// thousands of sessions on hundreds of nodes, with churn and failures, in minutes of a clock of its own.
//
// Real are the rules of rooms, sessions and their event logs, all scripts and Redis, placement, the worker that does what is
// owed, moves and burials. Models are the clients, edges, the bus, which loses answers and events, repeats and misleads
// commands, and the nodes: they have no media, and do at once what the media service takes some time for. Whatever happens
// by chance follows from a seed.
package simulation
