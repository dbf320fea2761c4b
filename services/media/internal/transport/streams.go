package transport

import "sync"

const (
	// restingStreams is how many of the streams that were closed last are left alone: whether the endpoint knows already that both sides
	// have reset one is not told. With all channels open, ours stay below 256 so, and no endpoint has fewer.
	restingStreams = 64
	// lastStream is the last that a channel may have (RFC 8832, section 6).
	lastStream = 1<<16 - 2
)

// streams tells which streams of one association a channel of ours may have.
type streams struct {
	first uint16 // even for the DTLS client, odd for the server (RFC 8832, section 6)

	mu      sync.Mutex
	users   map[uint16]int // channels, of either side, open or resting
	resting []uint16       // oldest first
}

func newStreams(client bool) *streams {
	s := &streams{first: 1, users: map[uint16]int{}}
	if client {
		s.first = 0
	}
	return s
}

// take notes that a channel has a stream, until rest.
func (s *streams) take(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[id]++
}

// takeFree takes the first stream for a channel of ours. Endpoints that number theirs by another rule than ours have some of these.
func (s *streams) takeFree() (id uint16, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := int(s.first); id <= lastStream; id += 2 {
		if s.users[uint16(id)] == 0 {
			s.users[uint16(id)]++
			return uint16(id), true
		}
	}
	return 0, false
}

// rest notes that a channel has closed.
func (s *streams) rest(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resting = append(s.resting, id)
	if len(s.resting) <= restingStreams {
		return
	}
	oldest := s.resting[0]
	s.resting = s.resting[1:]
	if s.users[oldest]--; s.users[oldest] == 0 {
		delete(s.users, oldest)
	}
}
