package relay

// held is how many of the latest datagrams can be asked for again; a power of two. It is as many as a stream holds packets.
const held = 1024

// Item is what a datagram had.
type Item struct {
	Kind   Kind
	Layer  uint8
	Stream uint32
	Seq    uint64 // of a Packet
}

// Sent knows what datagrams had, of the latest. Its zero value is ready.
type Sent struct {
	last  uint64
	items []Item // by number
}

// Note takes down what datagram number had. Numbers come in order, each once.
func (s *Sent) Note(number uint64, i Item) {
	if s.items == nil {
		s.items = make([]Item, held)
	}
	s.last = number
	s.items[number%held] = i
}

// Find returns what a datagram had, and false if that is not known any more.
func (s *Sent) Find(number uint64) (Item, bool) {
	if number == 0 || number > s.last || s.last-number >= held {
		return Item{}, false
	}
	return s.items[number%held], true
}
