// Package limit bounds what one endpoint can take of an edge, by its address and by its session, and counts what it refuses.
// Nothing here waits: what is too much is refused at once, and what holds others up is not kept.
package limit
