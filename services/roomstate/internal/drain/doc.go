// Package drain has peers go on with other nodes than theirs: single ones, all of a node that is to end, and some of a node that has
// come to carry too much.
package drain
