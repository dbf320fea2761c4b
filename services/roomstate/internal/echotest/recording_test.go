package echotest

import (
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestRecordingFollowsItsFlag(t *testing.T) {
	cmd := plugin.Command{Handle: plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}}}
	n := &turn{Turn: &plugin.Turn{Command: cmd}}
	for i, c := range []struct {
		body string
		want *mediav1.Recording
	}{
		{`{"audio":true}`, nil},
		{`{"record":true,"filename":"a/b"}`, &mediav1.Recording{Base: "a/b", Take: 1, Unnumbered: true}},
		{`{"record":true,"filename":"c"}`, nil},
		{`{"record":false,"filename":"/c"}`, &mediav1.Recording{}},
		{`{"record":true}`, &mediav1.Recording{Base: "/c", Otherwise: "echotest-2", Take: 2, Unnumbered: true}},
		{`{"record":false,"filename":"../c"}`, &mediav1.Recording{}},
		{`{"record":true}`, &mediav1.Recording{Base: "echotest-2", Stamped: true, Take: 3, Unnumbered: true}},
	} {
		set, f := read([]byte(c.body))
		if f != nil {
			t.Fatal(f)
		}
		n.Settings = n.Settings.with(set)
		if got := n.recorded(); got.String() != c.want.String() {
			t.Errorf("%d: %s orders %v, want %v", i, c.body, got, c.want)
		}
	}
}
