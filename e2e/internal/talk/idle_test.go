package talk

import "testing"

func TestWhatIsUnpublishedTwiceIsIdleOnce(t *testing.T) {
	publishes := func(id any) any {
		return map[string]any{"sender": "al.pub", "plugindata": map[string]any{"data": map[string]any{"publishers": []any{map[string]any{"id": id}}}}}
	}
	unpublished := func(sender string, id any) map[string]any {
		return map[string]any{"sender": sender, "plugindata": map[string]any{"data": map[string]any{"unpublished": id}}}
	}
	first, second, never, others, again, own := unpublished("al.pub", 1), unpublished("al.pub", 1), unpublished("al.pub", 2),
		unpublished("al.other", 1), unpublished("al.pub", 1), unpublished("al.pub", "ok")
	MarkIdle([]Step{
		{Heard: map[string][]any{"al": {publishes(1)}}},
		{Heard: map[string][]any{"al": {others, first, second}}},
		{Heard: map[string][]any{"al": {never, own}}},
		{Heard: map[string][]any{"al": {publishes(1), again}}},
	})
	for name, c := range map[string]struct {
		event map[string]any
		idle  bool
	}{
		"the first": {first, false}, "the second": {second, true}, "of who never published": {never, true},
		"told to who knew nothing": {others, true}, "after it is back": {again, false}, "the answer": {own, false},
	} {
		if got := c.event["idle"] == true; got != c.idle {
			t.Errorf("%s: idle is %t", name, got)
		}
	}
}
