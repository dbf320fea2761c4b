package endpoint

import "sync"

// kept is how many packets a publisher can send again: some seconds.
const kept = 512

// history has the last packets of a stream, by sequence number.
type history struct {
	mu      sync.Mutex // guards what follows
	packets [kept][]byte
	numbers [kept]uint16
}

func (h *history) keep(seq uint16, packet []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.packets[seq%kept], h.numbers[seq%kept] = packet, seq
}

// find returns nil for what is not kept.
func (h *history) find(seq uint16) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.numbers[seq%kept] != seq {
		return nil
	}
	return h.packets[seq%kept]
}
