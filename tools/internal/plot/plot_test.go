package plot

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestPlotsAreXML(t *testing.T) {
	svg := SVG([]Panel{
		{Title: "a<b", Show: func(v float64) string { return fmt.Sprint(v, "&") }, Lines: []Line{{"<c>", []Point{{0, 1}, {10, 3}}}, {"none", nil}}},
		{Title: "nothing", Show: func(v float64) string { return "" }},
	}, "s")
	for dec := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if want := `points="60.0,145.0 960.0,25.0"`; !strings.Contains(string(svg), want) {
		t.Errorf("no %s in %s", want, svg)
	}
}
