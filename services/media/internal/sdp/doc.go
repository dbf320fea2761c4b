// Package sdp reads what endpoints offer and answer, decides what of it is taken, and writes our side of it, in the
// shapes that Janus's clients know (JSEP, RFC 9429). It knows no network and keeps nothing.
package sdp
