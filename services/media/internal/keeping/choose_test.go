package keeping

import (
	"testing"

	"github.com/cardea-rtc/cardea/services/media/internal/bus"
)

func TestTheKeeperIsTheNextByNameAndStays(t *testing.T) {
	a, b, d := bus.Other{ID: "1", Name: "a"}, bus.Other{ID: "2", Name: "b"}, bus.Other{ID: "4", Name: "d"}
	leaving := func(o bus.Other) bus.Other { o.Leaves = true; return o }
	for name, c := range map[string]struct {
		current string
		nodes   []bus.Other
		shunned string
		want    string // empty for none
	}{
		"alone":                      {},
		"the next":                   {nodes: []bus.Other{a, b, d}, want: "4"},
		"behind the last the first":  {nodes: []bus.Other{a, b}, want: "1"},
		"it stays":                   {current: "2", nodes: []bus.Other{a, b, d}, want: "2"},
		"unless it leaves":           {current: "2", nodes: []bus.Other{a, leaving(b), d}, want: "4"},
		"or is not there":            {current: "9", nodes: []bus.Other{a, b}, want: "1"},
		"or does not answer":         {current: "4", nodes: []bus.Other{a, d}, shunned: "4", want: "1"},
		"nobody else is there":       {current: "4", nodes: []bus.Other{d}, shunned: "4"},
		"who leaves is not taken":    {nodes: []bus.Other{leaving(a), leaving(d)}},
		"of the same name, another":  {nodes: []bus.Other{{ID: "3", Name: "c"}}, want: "3"},
		"the one of the higher name": {nodes: []bus.Other{{ID: "3", Name: "c"}, d}, want: "4"},
	} {
		got, ok := choose("c", c.current, c.nodes, map[string]bool{c.shunned: true})
		if got.ID != c.want || ok != (c.want != "") {
			t.Errorf("%s: %v, %t", name, got, ok)
		}
	}
}
