//go:build race

package transport

// raceDetector allocates by itself.
const raceDetector = true
