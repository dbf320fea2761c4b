// Package eventhandler makes the events for event handlers of what roomstate has decided (spec/janus-api.md, section 8):
// sessions, handles, SDPs, candidates, plugins, and what endpoints are told of their PeerConnections. Each is made by the
// replica that wrote the decision, after the write: so it comes once, or is lost with that replica.
package eventhandler
