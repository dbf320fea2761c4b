// Package conform makes conversations for a comparison of Cardea with a real Janus: every field of every request with
// every kind of wrong value (fields.go, verbs.go), and sequences of requests of several participants with media
// (sequence.go). Package talk plays them.
package conform

// Conversation is one, as package talk plays it. Conversations of one set have nothing to do with each other, so that
// they can be played at the same time.
type Conversation struct {
	Name, Text string
}
