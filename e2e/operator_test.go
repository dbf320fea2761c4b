//go:build e2e

package e2e

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// operatorShows looks at the operator's page of an edge while a call goes on: its nodes, its room, who is in it and how they do.
func operatorShows(t *testing.T, admin string, nodes, present int) {
	t.Helper()
	tab := chrome.Start(t).Open(t, "operator", strings.TrimSuffix(admin, "/admin"))
	tab.WaitFor("the question for the secret", `!document.querySelector('#ask').hidden`, 20*time.Second)
	tab.Type("#secret", cluster.AdminSecret)
	tab.Click("#ask button")
	rows := func(table string) string {
		return `document.querySelectorAll('#` + table + ` tbody tr').length`
	}
	tab.WaitFor("the nodes", rows("nodes")+` === `+strconv.Itoa(nodes), 20*time.Second)
	tab.WaitFor("packets", `Number(document.querySelector('#now-packets').textContent.replaceAll(',', '')) > 0`, 20*time.Second)
	tab.Type("#filter", "1234")
	tab.Click("#rooms tbody tr")
	tab.WaitFor("who is there", rows("present")+` === `+strconv.Itoa(present), 20*time.Second)
	tab.Click("#present tbody tr")
	tab.WaitFor("how one does", `document.querySelector('#stats').textContent.includes('"state": "ready"')`, 20*time.Second)
	tab.WaitFor("a graph", `(() => {
		const c = document.querySelector('#packets');
		const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
		return d.some((red, i) => i % 4 === 0 && red < 90 && d[i + 2] > 220); // the first node's blue
	})()`, 20*time.Second)
	tab.Screenshot("operator")
}

// TestTheOperatorsPageFits in windows of usual widths: no column of a table is beyond the edge of its section.
func TestTheOperatorsPageFits(t *testing.T) {
	t.Parallel()
	cardea := cluster.StartStandalone(t)
	const conversation = `al create
al attach janus.plugin.videoroom h
al attach janus.plugin.videoroom pub
bo create
bo attach janus.plugin.videoroom pub
al.h {"request":"create","room":9007199254740991,"description":"A room with a name that takes some space, as people give them"}
al.pub {"request":"join","ptype":"publisher","room":9007199254740991,"display":"Alexandra of the Department"}
bo.pub {"request":"join","ptype":"publisher","room":9007199254740991,"display":"Bo"}
al.pub offer a {"request":"publish"}
wait 40s
al destroy
bo destroy`
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if _, err := talk.Play(ctx, cardea.URL, conversation); err != nil && ctx.Err() == nil {
			t.Errorf("%v", err)
		}
	})
	tab := chrome.Start(t).Open(t, "operator", strings.TrimSuffix(cardea.Admin, "/admin"))
	tab.Type("#secret", cluster.AdminSecret)
	tab.Click("#ask button")
	tab.WaitFor("the node", `document.querySelectorAll('#nodes tbody tr').length === 1`, 20*time.Second)
	tab.Type("#filter", "9007199254740991")
	tab.Click("#rooms tbody tr")
	tab.WaitFor("who is there", `document.querySelectorAll('#present tbody tr').length === 2`, 20*time.Second)
	for _, width := range []int{1300, 900} {
		tab.Resize(width, 900)
		tab.WaitFor("the width", `innerWidth === `+strconv.Itoa(width), 10*time.Second)
		tab.Screenshot(strconv.Itoa(width))
		for _, table := range []string{"nodes", "rooms", "present"} {
			if beyond := chrome.Eval[float64](tab, `(() => {
				const table = document.querySelector('#`+table+`')
				return table.getBoundingClientRect().right - Math.min(table.parentElement.getBoundingClientRect().right, innerWidth)
			})()`); beyond > 1 {
				t.Errorf("%d pixels wide, the table of %s is cut off by %.0f", width, table, beyond)
			}
		}
	}
}
