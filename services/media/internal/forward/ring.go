package forward

import (
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// slot is a received packet as the ring keeps it.
type slot struct {
	seq     uint64 // extended; 0 if the slot is empty
	arrival time.Duration
	ts      uint32
	burst   uint32 // the stream's burst in which it came
	marker  bool
	red     uint16 // where the payload proper begins, behind what repeats earlier ones (RFC 2198); 0 if there is no such
	desc    codec.Descriptor
	ext     packet.Extensions // of the values that are slices, only the dependency descriptor
	payload []byte            // the slot's own

	dependencies []byte // likewise: the dependency descriptor
}

// history is how much of the past a ring should hold, in time; it grows to its limit where it holds less.
const history = time.Second

// ringSize says how large a ring is at first and at most, in packets (powers of two), and how much room each slot
// gets at first, in bytes. At most: 1 s of 10 Mbit/s for video, 2.5 s of 20 ms packets for audio.
type ringSize struct{ first, most, room int }

var (
	videoRing = ringSize{first: 128, most: 1024, room: 1200}
	audioRing = ringSize{first: 32, most: 128, room: 160}
)

// ring holds the latest packets of a layer by their extended sequence numbers. Its zero value, of no size, is ready.
type ring struct {
	slots   []slot
	evicted uint64 // the highest number that had to give way; a packet up to it is not taken a second time
}

func (r *ring) at(seq uint64) *slot { return &r.slots[seq&uint64(len(r.slots)-1)] }

// get returns the packet with that number, or nil. It is valid until the next put.
func (r *ring) get(seq uint64) *slot {
	if len(r.slots) == 0 {
		return nil
	}
	if s := r.at(seq); s.seq == seq {
		return s
	}
	return nil
}

// tooOld is true if a packet would take the place of a later one, or may have been here before.
func (r *ring) tooOld(seq, highest uint64) bool {
	return seq+uint64(len(r.slots)) <= highest || seq <= r.evicted
}

// put returns the slot for a packet, with its number set and its payload copied; the rest is as the slot's last user
// left it. The packet must not be there yet, nor be too old.
func (r *ring) put(seq uint64, now time.Duration, payload []byte, size ringSize) *slot {
	if len(r.slots) == 0 {
		r.slots = make([]slot, size.first)
	}
	s := r.at(seq)
	for s.seq != 0 && now-s.arrival < history && len(r.slots) < size.most {
		r.grow()
		s = r.at(seq)
	}
	if s.payload == nil {
		s.payload = make([]byte, 0, max(size.room, len(payload)))
	}
	r.evicted = max(r.evicted, s.seq)
	s.seq = seq
	s.payload = append(s.payload[:0], payload...)
	return s
}

// grow doubles the ring. Packets keep their buffers.
func (r *ring) grow() {
	old := r.slots
	r.slots = make([]slot, 2*len(old))
	for i := range old {
		if old[i].seq != 0 {
			*r.at(old[i].seq) = old[i]
		}
	}
}
