// Package drain has peers go on with other nodes than theirs: single ones, and all of a node that is to end.
package drain
