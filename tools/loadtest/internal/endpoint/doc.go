// Package endpoint is the far end of a conference as a load generator needs it: publishers that send synthetic
// media, subscribers that measure what of it comes and when, and who makes the rooms for them. All speak plain Janus,
// each over a WebSocket and a session of its own, as browsers would.
package endpoint
