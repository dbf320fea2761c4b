// Package speakers finds the loudest of those who are heard together, so that a large room need not carry everyone's
// sound. An audience may have speakers on several workers: each speaker judges itself, by atomic reads of the others.
package speakers

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// attack and release are the weights of a new level in the smoothed one, at 50 packets a second: who begins to talk
	// is loud after 60 ms, and who pauses between words stays so for a second.
	attack, release = 0.3, 0.02
	// bonus is how much louder, in dB, another has to be than one who is heard, to be heard instead.
	bonus = 6
	// silentAfter is for how long a level counts when no more packets come.
	silentAfter = 500 * time.Millisecond
	quietest    = 127 // -dBov (RFC 6464)
)

// Audiences are all of a node. The zero value is ready; it may be used from anywhere.
type Audiences struct {
	mu   sync.Mutex
	each map[string]*audience
}

// audience is the speakers who are compared with each other.
type audience struct {
	speakers atomic.Pointer[[]*Speaker] // replaced as a whole
}

// Speaker is one of an audience. Its methods are for one goroutine.
type Speaker struct {
	all      *Audiences
	name     string
	of       *audience
	most     int
	smoothed float64 // dB above the quietest
	told     atomic.Uint64
}

// told is what others read: loudness in hundredths of a dB, whether it is heard, and when that was, in ms.
func pack(loudness float64, heard bool, now time.Duration) uint64 {
	t := uint64(now/time.Millisecond)<<16 | uint64(loudness*100)<<1
	if heard {
		t |= 1
	}
	return t
}

// against is how loud a speaker counts when another wants to be heard.
func against(told uint64, now time.Duration) float64 {
	loudness := float64(told>>1&0x7fff) / 100
	if now-time.Duration(told>>16)*time.Millisecond > silentAfter {
		loudness = 0
	}
	if told&1 != 0 {
		loudness += bonus
	}
	return loudness
}

// Join adds a speaker to an audience, of whom most are to be heard, at least one.
func (a *Audiences) Join(name string, most int) *Speaker {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.each[name]
	if of == nil {
		if a.each == nil {
			a.each = map[string]*audience{}
		}
		of = new(audience)
		of.speakers.Store(new([]*Speaker))
		a.each[name] = of
	}
	s := &Speaker{all: a, name: name, of: of, most: max(most, 1)}
	next := append(slices.Clone(*of.speakers.Load()), s)
	of.speakers.Store(&next)
	return s
}

// Leave takes the speaker out.
func (s *Speaker) Leave() {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(*s.of.speakers.Load()), func(other *Speaker) bool { return other == s })
	s.of.speakers.Store(&next)
	if len(next) == 0 {
		delete(s.all.each, s.name)
	}
}

// Speak takes the level of a packet, in -dBov, and reports whether the speaker is to be heard. Who never tells its
// level takes no part in the comparison, and should be heard always.
func (s *Speaker) Speak(level uint8, now time.Duration) bool {
	loudness := float64(quietest - min(level, quietest))
	weight := release
	if loudness > s.smoothed {
		weight = attack
	}
	s.smoothed += weight * (loudness - s.smoothed)
	mine := pack(s.smoothed, s.told.Load()&1 != 0, now)
	limit := against(mine, now)
	louder := 0
	for _, other := range *s.of.speakers.Load() {
		if other == s {
			continue
		}
		told := other.told.Load()
		if theirs := against(told, now); told != 0 && (theirs > limit || theirs == limit && told&1 != 0 && mine&1 == 0) {
			louder++
		}
	}
	heard := louder < s.most
	s.told.Store(pack(s.smoothed, heard, now))
	return heard
}
