//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
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
