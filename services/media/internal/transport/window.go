package transport

// replayWindow is how many packets back a late one is still known not to be a repeat (RFC 3711, section 3.3.2).
const replayWindow = 1024

// window knows which numbers have come, of the latest. Its zero value is ready; no number is 0.
type window struct {
	highest uint64 // that came; 0 if none has
	// Bit n of word w is for the number 64w+n, words modulo their count. The window begins and ends within words, hence
	// one word more (RFC 6479).
	came [replayWindow/64 + 1]uint64
}

// seen is true of a number that has come, and of one that is too old to tell.
func (w *window) seen(number uint64) bool {
	return number <= w.highest && (w.highest-number >= replayWindow || w.came[number/64%uint64(len(w.came))]&(1<<(number%64)) != 0)
}

// note marks a number, which is not too old, as one that came.
func (w *window) note(number uint64) {
	words := uint64(len(w.came))
	if number >= w.highest+replayWindow {
		clear(w.came[:])
	} else {
		for word := w.highest/64 + 1; word <= number/64; word++ {
			w.came[word%words] = 0 // was of numbers that the window has left
		}
	}
	w.came[number/64%words] |= 1 << (number % 64)
	w.highest = max(w.highest, number)
}
