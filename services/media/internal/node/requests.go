package node

import (
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// Handle names what has one PeerConnection at a time.
type Handle struct{ Session, ID uint64 }

// PeerID names one PeerConnection: the generation grows with each new one of a handle.
type PeerID struct {
	Handle
	Generation uint32
}

// FeedID names a publisher's streams; unique in the cluster.
type FeedID string

// Command says whose request it is, and which: a repeat has the same ID and gets the same answer.
type Command struct {
	Peer     PeerID
	ID       string
	OpaqueID string // of the handle, where it is known
}

// OfferRequest is an endpoint's offer.
type OfferRequest struct {
	Command
	SDP            string
	Feed           FeedID
	SessionName    string
	Rules          sdp.Rules
	Bitrate        uint64 // REMB cap in bits a second; 0 for none
	KeyframeEvery  uint32 // seconds; 0 for never
	Talk           forward.Talk
	Audience       string // see Terms
	Loudest        uint32
	Echo           *Echo // nil for a publisher
	LowestRIDFirst bool
	E2EE           bool
	Recording      *Recording // nil: as before
}

// Echo says what of a peer's media goes back to it.
type Echo struct {
	Audio, Video bool
	Targets      forward.Targets
	TextPrefix   string // put before text messages
	MinDelay     *int32 // as in SlotRequest
	MaxDelay     *int32
}

// OfferAnswer is the answer to an OfferRequest.
type OfferAnswer struct {
	SDP     string
	Streams []Published // one for each m= section, in order
}

// Published is what has been taken of one m= section.
type Published struct {
	sdp.Stream
	SVC bool
}

// SlotRequest is one m= section of a subscriber, as it shall be.
type SlotRequest struct {
	SDP      sdp.Slot // Active and Sent are the node's to say, but for Sent.MSID
	Source   *Source  // of audio and video; nil for none
	Data     []DataSource
	Inactive bool // offered so although there is a source
	Send     bool
	Targets  forward.Targets
	MinDelay *int32 // playout delay override, units of 10 ms, 0 to 4095; nil or below 0 for none
	MaxDelay *int32
}

// Source is one stream of a feed.
type Source struct {
	Feed FeedID // empty for nobody's: nothing comes
	MID  string // in the publisher's SDP
	Node string // gRPC address of the node that has it; empty for this one
}

// DataSource is a feed whose messages go to the channel of that label.
type DataSource struct {
	Feed  FeedID
	Label string
	Node  string // as in Source
}

// SubscribeRequest asks for an offer.
type SubscribeRequest struct {
	Command
	SessionName string
	Slots       []SlotRequest
	ICERestart  bool
	Texts       bool // what comes over data channels is roomstate's
}

// AnswerRequest is an endpoint's answer to it.
type AnswerRequest struct {
	Command
	SDP string
}

// PublisherUpdate sets what is taken from a publisher. What is nil stays.
type PublisherUpdate struct {
	Peer    PeerID
	Streams []StreamUpdate
	Bitrate *uint64
	Echo    *Echo
	Talk    *forward.Talk

	Recording *Recording
}

// StreamUpdate is of one m= section.
type StreamUpdate struct {
	MID      string
	Relay    *bool
	Keyframe bool   // ask for one now
	MinDelay *int32 // as in SlotRequest; below 0 clears
	MaxDelay *int32
}

// SubscriberUpdate sets what is relayed to a subscriber.
type SubscriberUpdate struct {
	Peer   PeerID
	Slots  []SlotRequest
	Paused bool
}
