package talk

import (
	"fmt"
	"strings"
	"testing"
)

// told is a conversation of which each step is what was told of one m= section, as words: + begins, - ends; with a digit, of
// another mid.
func told(conversation string) []Step {
	var steps []Step
	for step := range strings.SplitSeq(conversation, "|") {
		s := Step{Line: "step", Heard: map[string][]any{}}
		for word := range strings.FieldsSeq(step) {
			s.Heard["al"] = append(s.Heard["al"], map[string]any{
				"janus": "media", "sender": "$al.pub", "mid": "0" + word[1:], "type": "audio", "receiving": word[0] == '+',
			})
		}
		steps = append(steps, s)
	}
	return steps
}

func TestOnlyWhatIsTimingIsMarked(t *testing.T) {
	for _, c := range []struct {
		what, a, b string
		marked     int
		differ     int // events that only one side has, and are not marked
	}{
		{"the same", "+||-", "+||-", 0, 0},
		{"a gap at one side", "+|- +|", "+||", 2, 0},
		{"a gap over steps", "+|-|+", "+||", 2, 0},
		{"another step", "+||", "|+|", 2, 0},
		{"it begins at one side alone", "+||", "||", 0, 1},
		{"it ends at one side alone", "+||-", "+||", 0, 1},
		{"another mid", "+1||", "+||", 0, 2},
		{"it comes back at one side alone", "+|-|+", "+|-|", 0, 1},
	} {
		a, b := told(c.a), told(c.b)
		MarkGaps(a, b)
		marked, differ := 0, 0
		for _, d := range Differences(a, b) {
			if strings.Contains(d, `"timing":"chance"`) {
				marked++
			} else {
				differ++
			}
		}
		if marked != c.marked || differ != c.differ {
			t.Errorf("%s: %d marked, %d differ: %s", c.what, marked, differ, fmt.Sprint(Differences(a, b)))
		}
	}
}
