// Package keep is what saves a node's peers when the node dies: another one, its keeper, holds the values of its peers. It has
// the two rules without which an SRTP index might be used twice: how far a node may send (Bounds), and to whom a keeper gives a
// value (Vault). See docs/adr/0019.
package keep
