// Package endpoint is one end of a call without a browser: it sends or receives synthetic media, as one transport of ICE,
// DTLS and SRTP, follows a candidate that is trickled to it, as browsers do, and notes what an outage is to whoever listens:
// gaps, and packets that must never have been.
package endpoint
