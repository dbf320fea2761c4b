//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/e2e/internal/narrow"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// TestNarrowLink has a browser watch another's simulcast over a link that gets narrow and wide again: its picture gets
// smaller by itself, moves, and gets larger again.
func TestNarrowLink(t *testing.T) {
	port := proc.FreePort(t)
	ops := proc.FreeTCP(t)
	s := cluster.StartStandalone(t, "--udp-port", fmt.Sprint(port), "--media-ops-listen", ops)
	t.Cleanup(func() {
		if t.Failed() { // was it the estimate, or has the publisher's browser no time for large pictures?
			t.Log(estimates(ops))
		}
	})
	link := narrow.Start(t, port)
	page := demos.Serve(t, s.URL) + "/mvideoroomtest.html?simulcast=true"
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		tab := browser.Open(t, fmt.Sprint("tab", i), page)
		if i == 0 { // what it is offered comes over the link
			chrome.Eval[bool](tab, fmt.Sprintf(`(() => {
				const set = RTCPeerConnection.prototype.setRemoteDescription;
				RTCPeerConnection.prototype.setRemoteDescription = function(d) {
					if (d.type === 'offer') {
						window.watching = this;
						d = {type: d.type, sdp: d.sdp.replace(/^(a=candidate:.* udp .* 127\.0\.0\.1) %d /gmi, '$1 %d ').replace(/^a=candidate:.* tcp .*\r\n/gmi, '')};
					}
					return set.call(this, d);
				};
				return true;
			})()`, port, link.Port))
		}
		tab.Click("#start")
		tab.Type("#username", fmt.Sprint("tab", i))
		tab.Click("#register")
		tabs = append(tabs, tab)
	}
	tab := tabs[0]
	awaitPicture := func(what, width string) {
		t.Helper()
		begun := time.Now()
		tab.WaitFor(what, `[...document.querySelectorAll('video')].some(v => v.id.startsWith('remotevideo') && v.videoWidth `+width+`)`, 60*time.Second)
		t.Logf("%s after %v", what, time.Since(begun).Round(100*time.Millisecond))
		tab.WaitMoreFrames(2, 20*time.Second)
	}
	awaitPicture("the largest picture", "> 640")
	link.Rate.Store(300_000)
	awaitPicture("a smaller picture", "<= 640") // the middle layer has room there if it is sent with few bits
	tab.Screenshot("narrow")
	tab.WaitFor("undisturbed audio", `(async () => {
		const of = async () => [...(await watching.getStats()).values()].find(s => s.type === 'inbound-rtp' && s.kind === 'audio');
		const before = await of();
		await new Promise(r => setTimeout(r, 3000));
		const after = await of();
		const share = (after.concealedSamples - before.concealedSamples) / (after.totalSamplesReceived - before.totalSamplesReceived);
		return share < 0.05 && after.packetsReceived - before.packetsReceived > 100;
	})()`, 60*time.Second)
	link.Rate.Store(0)
	awaitPicture("the largest picture", "> 640")
	tab.Screenshot("wide")
}

// estimates returns what a node's metrics say of estimates.
func estimates(ops string) string {
	r, err := http.Get("http://" + ops + "/metrics")
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return strings.Join(regexp.MustCompile(`(?m)^cardea_media_(estimate|probes|downgrades|pauses).*$`).FindAllString(string(b), -1), "\n")
}
