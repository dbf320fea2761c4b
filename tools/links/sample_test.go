package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

// watched is a series with a sample each 100 ms: 30 frames a second in a height, by second; 0 for no frames.
func watched(server string, s script, heights ...int) *series {
	x := &series{Server: server, Script: s.Name, script: s}
	frames, height, at := 0, heights[0], 0
	for _, h := range heights {
		for range 10 {
			if h > 0 {
				frames += 3
				height = h
			}
			x.Samples = append(x.Samples, sample{At: float64(at) / 10, Frames: frames, Height: height, Bytes: frames * 1000})
			at++
		}
	}
	return x
}

var threePhases = script{Name: "x", About: "a & b", Steps: []phase{{For: 4 * time.Second}, {For: 4 * time.Second}, {For: 8 * time.Second}}}

func TestRecoveryIsWhenLayerAndFramesAreBack(t *testing.T) {
	for name, c := range map[string]struct {
		heights []int
		want    float64 // about; -1 for never
	}{
		"nothing was lost":       {[]int{720, 720, 720, 720, 720, 720, 720, 720, 720, 720, 720, 720, 720, 720, 720, 720}, 0},
		"the layer is back late": {[]int{720, 720, 720, 720, 180, 180, 180, 180, 180, 180, 360, 720, 720, 720, 720, 720}, 2.9},
		"frozen in one layer":    {[]int{720, 720, 720, 720, 0, 0, 0, 0, 0, 0, 720, 720, 720, 720, 720, 720}, 2.6},
		"for a moment only":      {[]int{720, 720, 720, 720, 180, 180, 180, 180, 720, 720, 180, 720, 720, 720, 720, 720}, 2.9},
		"never":                  {[]int{720, 720, 720, 720, 180, 180, 180, 180, 180, 180, 360, 360, 360, 360, 360, 360}, -1},
		"too near the end":       {[]int{720, 720, 720, 720, 180, 180, 180, 180, 180, 180, 180, 180, 180, 180, 180, 720}, -1},
	} {
		if got := watched("janus", threePhases, c.heights...).figures().recovery; math.Abs(got-c.want) > 0.15 {
			t.Errorf("%s: %.2f, not about %.1f", name, got, c.want)
		}
	}
}

func TestTimesWithoutFramesCountAlsoAtTheEnd(t *testing.T) {
	f := watched("janus", threePhases, 720, 0, 360, 360, 0, 0).figures()
	if math.Abs(f.stillSeconds-3) > 0.25 || f.height != 360 || f.changes != 1 {
		t.Errorf("%+v", f)
	}
}

func TestDrawingsAreXML(t *testing.T) {
	all := []*series{watched("janus", threePhases, 720, 180, 720), watched("cardea", threePhases, 720, 720)}
	svg := string(draw(threePhases, all))
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	if strings.Count(svg, colours["janus"]) != 4 || strings.Contains(svg, "NaN") {
		t.Error(svg)
	}
}

func TestTheTableShowsTheLowerOfTwoRounds(t *testing.T) {
	all := []*series{watched("janus", threePhases, 720, 720), watched("janus", threePhases, 720, 0, 0), watched("cardea", threePhases, 360, 360)}
	if got := table([]script{threePhases}, all); !strings.Contains(got, "| 720 / 360 |") || !strings.Contains(got, "| a & b |") {
		t.Error(got)
	}
}
