package node

// Events takes what is to be told of peers. Publish is called on the worker's goroutine, in order, and must not wait.
type Events interface {
	Publish(id PeerID, e Event)
}

// Event is one of the types below.
type Event interface{ event() }

// Up says that DTLS is done and SRTP ready.
type Up struct{}

// Closed is a peer's last event.
type Closed struct {
	Reason   string // Janus's words
	WithNode bool   // since the node ends
}

// MediaState says that media of a stream, or of a layer of it, begins or has stopped to arrive.
type MediaState struct {
	MID       string
	Video     bool
	Substream int // of a simulcast stream, 0 being the lowest; else -1
	Receiving bool
	Seconds   uint32 // without media until this was said, if not Receiving and above 1
}

// SlowLink says that packets were lost in the last second.
type SlowLink struct {
	MID        string
	Video      bool
	Uplink     bool // Janus's word: the packets were ours
	Lost       uint32
	BitrateBPS uint64 // the cap in force, 0 if none
}

// Layer says which layers a slot gets now; what is nil has not changed.
type Layer struct {
	MID           string
	Codec         string
	Substream     *int
	Temporal      *int
	SpatialLayer  *int
	TemporalLayer *int
}

// Talking says that a publisher begins or stops to talk.
type Talking struct {
	MID     string
	Talking bool
	Level   float64 // mean in -dBov
}

// Text is a text message of the endpoint's on a data channel.
type Text struct{ Text []byte }

// Moved says that a peer of another node's goes on here: that node has let go of it.
type Moved struct{}

// NotMoved says that a peer was to go on here and will not. The other node has it still, unless it is Lost: then that is
// not known.
type NotMoved struct{ Lost bool }

func (Up) event()         {}
func (Closed) event()     {}
func (MediaState) event() {}
func (SlowLink) event()   {}
func (Layer) event()      {}
func (Talking) event()    {}
func (Text) event()       {}
func (Moved) event()      {}
func (NotMoved) event()   {}
