// Package client is who is in calls while services fail: each speaks the Janus API as an application that uses janus.js does,
// claims its session on another edge when its own is gone, and notes what it saw of the fault.
package client

import "time"

// Client is one of them.
type Client interface {
	Name() string
	// Reset forgets what was seen; an outage that lasts still goes on.
	Reset()
	// Seen is what happened since Reset.
	Seen() Sight
	// Well says what is missing still, nil if nothing is.
	Well() error
	// Lost tells why the client cannot go on, nil if it can.
	Lost() error
	Close()
}

// Sight is what clients have seen. That of several is the sum, or the longest.
type Sight struct {
	Sound    time.Duration `json:"sound"`    // longest time in which a stream of sound brought nothing
	Pictures time.Duration `json:"pictures"` // likewise
	Request  time.Duration `json:"request"`  // longest time that a request took, over however many sockets
	Claim    time.Duration `json:"claim"`    // longest time from a new socket to the session's being claimed on it

	Claims       int      `json:"claims"`
	Refused      int      `json:"refused"`      // requests that got an error
	EventsLost   int      `json:"events_lost"`  // of what others did, not told of
	EventsTwice  int      `json:"events_twice"` // told of once more
	Hangups      int      `json:"hangups"`
	Descriptions int      `json:"descriptions"`    // offers of the server's in the middle of a call
	CallsLost    int      `json:"calls_lost"`      // clients that could not go on
	Reused       int      `json:"reused"`          // packets under an SRTP index that another had had
	Repeated     int      `json:"repeated"`        // datagrams that came twice
	Foreign      int      `json:"foreign"`         // packets that were not authentic
	Notes        []string `json:"notes,omitempty"` // of such packets
	Moves        int      `json:"moves"`           // times that media came from another address from then on
}

// Add joins what another saw.
func (s *Sight) Add(o Sight) {
	s.Sound, s.Pictures = max(s.Sound, o.Sound), max(s.Pictures, o.Pictures)
	s.Request, s.Claim = max(s.Request, o.Request), max(s.Claim, o.Claim)
	s.Claims += o.Claims
	s.Refused += o.Refused
	s.EventsLost += o.EventsLost
	s.EventsTwice += o.EventsTwice
	s.Hangups += o.Hangups
	s.Descriptions += o.Descriptions
	s.CallsLost += o.CallsLost
	s.Reused += o.Reused
	s.Repeated += o.Repeated
	s.Foreign += o.Foreign
	s.Moves += o.Moves
	s.Notes = append(s.Notes, o.Notes...)
}
