package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is what getStats says at a moment; numbers but heights count from the beginning of the call.
type sample struct {
	At            float64 `json:"at"` // as the page gives it, ms since 1970; then seconds since the script's beginning
	Frames        int     `json:"frames"`
	Height        int     `json:"height"` // of the picture, which tells the layer
	Freezes       int     `json:"freezes"`
	FreezeSeconds float64 `json:"freezeSeconds"`
	Bytes         int     `json:"bytes"`
	Lost          int     `json:"lost"`
	Packets       int     `json:"packets"`
	NACKs         int     `json:"nacks"`
	PLIs          int     `json:"plis"`
	Concealed     float64 `json:"concealed"` // of audio, samples that were made up
	Heard         float64 `json:"heard"`     // all of them
}

// layer is what a camera has sent of one.
type layer struct {
	RID     string `json:"rid"`
	Height  int    `json:"height"`
	Frames  int    `json:"frames"`
	Bytes   int    `json:"bytes"`
	Limited string `json:"limited"` // why it is not better: "none", "cpu", "bandwidth"
}

// cameraRate is how many frames a second the camera sent of the layer that it sent most of.
func (s *series) cameraRate() (fps float64) {
	for _, after := range s.After {
		for _, before := range s.Before {
			if before.RID == after.RID {
				fps = max(fps, float64(after.Frames-before.Frames)/s.script.duration().Seconds())
			}
		}
	}
	return fps
}

// minCameraRate is what a camera of 30 frames a second sends at least unless the machine is too busy.
const minCameraRate = 27.

// from keeps the samples of the script.
func (s *series) from(began time.Time) {
	kept := s.Samples[:0]
	for _, x := range s.Samples {
		x.At = x.At/1000 - float64(began.UnixMicro())/1e6
		if x.At >= -0.2 && x.At <= s.script.duration().Seconds() {
			kept = append(kept, x)
		}
	}
	s.Samples = kept
}

// figures are what a series comes to.
type figures struct {
	fps           float64 // mean
	freezes       int
	frozenSeconds float64
	stillSeconds  float64 // without a new frame for at least stillTime each, also when it never ends
	height        int     // median
	kbps          float64 // mean, of video
	concealed     float64 // share of audio that was made up
	recovery      float64 // seconds from when the last phase began until all was as before the second, for good; -1 if never
	changes       int     // of the layer
}

const (
	stillTime = 0.5    // seconds
	stayTime  = 2.     // seconds that all must stay to be called back
	enough    = 2. / 3 // of the frames a second of before
)

func (s *series) figures() figures {
	f := figures{recovery: -1}
	if len(s.Samples) < 2 {
		return f
	}
	first, last := s.Samples[0], s.Samples[len(s.Samples)-1]
	seconds := last.At - first.At
	f.fps = float64(last.Frames-first.Frames) / seconds
	f.freezes, f.frozenSeconds = last.Freezes-first.Freezes, last.FreezeSeconds-first.FreezeSeconds
	f.kbps = float64(last.Bytes-first.Bytes) * 8 / 1000 / seconds
	if heard := last.Heard - first.Heard; heard > 0 {
		f.concealed = (last.Concealed - first.Concealed) / heard
	}
	f.stillSeconds = s.still()
	var heights []int
	for i, x := range s.Samples {
		heights = append(heights, x.Height)
		if i > 0 && x.Height != s.Samples[i-1].Height {
			f.changes++
		}
	}
	slices.Sort(heights)
	f.height = heights[len(heights)/2]
	f.recovery = s.recovery()
	return f
}

// still sums up the times without a new frame.
func (s *series) still() (seconds float64) {
	since := s.Samples[0]
	for i, x := range s.Samples {
		if x.Frames == since.Frames && i < len(s.Samples)-1 {
			continue
		}
		if gap := x.At - since.At; gap >= stillTime {
			seconds += gap
		}
		since = x
	}
	return seconds
}

// recovery is about scripts of three phases: good, bad, good.
func (s *series) recovery() float64 {
	if len(s.script.Steps) != 3 {
		return -1
	}
	drop := s.script.Steps[0].For.Seconds()
	open := drop + s.script.Steps[1].For.Seconds()
	before, fast, frames := 0, 0., rates(func(x sample) float64 { return float64(x.Frames) })(s)
	for _, x := range s.Samples {
		if x.At < drop {
			before = max(before, x.Height)
		}
	}
	for _, f := range frames {
		if f.x < drop {
			fast = max(fast, f.y)
		}
	}
	bad := open // the last moment at which something was worse than before
	for _, x := range s.Samples {
		if x.At >= open && x.Height < before {
			bad = x.At
		}
	}
	for _, f := range frames {
		if f.x >= open && f.y < enough*fast {
			bad = max(bad, f.x)
		}
	}
	if s.Samples[len(s.Samples)-1].At-bad < stayTime {
		return -1
	}
	return bad - open
}

// brief is a series in a line.
func (s *series) brief() string {
	f := s.figures()
	text := fmt.Sprintf("%.1f frames/s of %.1f, %d freezes of %.1f s, still for %.1f s, height %d, %.0f kbit/s; %d layers sent; link %+v",
		f.fps, s.cameraRate(), f.freezes, f.frozenSeconds, f.stillSeconds, f.height, f.kbps, len(s.After), s.Down)
	if s.cameraRate() < minCameraRate {
		text += "; THE CAMERA STUTTERED"
	}
	return text
}
