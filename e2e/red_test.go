//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/demos"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// TestRED has two tabs send Opus with redundancy. One takes it, the other does not: both hear, and conceal nothing.
func TestRED(t *testing.T) {
	t.Parallel()
	s := cluster.StartStandalone(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, session, handle := attach(ctx, t, s.URL, "janus.plugin.videoroom")
	must(ctx, t, conn, session, handle, janus.Object{"request": "create", "room": 8002, "publishers": 6, "opus_red": true})
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		tab := browser.Open(t, fmt.Sprint("tab", i), demos.Serve(t, s.URL)+"/mvideoroomtest.html?room=8002")
		chrome.Eval[bool](tab, fmt.Sprintf(`(() => {
			const set = RTCPeerConnection.prototype.setRemoteDescription;
			RTCPeerConnection.prototype.setRemoteDescription = function(d) {
				if (d.type === 'offer') {
					window.watching = this;
					if (%t) d = {type: d.type, sdp: d.sdp.replace(/^(m=audio.*) 120/gm, '$1').replace(/^a=\w+:120 .*\r\n/gm, '')};
				} else window.sending = this;
				return set.call(this, d);
			};
			return true;
		})()`, i == 1))
		tab.Click("#start")
		tab.Type("#username", fmt.Sprint("tab", i))
		tab.Click("#register")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second)
	}
	// Statistics name Opus in either case: redundancy shows in the size of packets.
	const received = `(async () => {
		const audio = async () => [...(await watching.getStats()).values()].find(s => s.type === 'inbound-rtp' && s.kind === 'audio');
		const before = await audio();
		await new Promise(r => setTimeout(r, 3000));
		const after = await audio();
		const grown = name => after[name] - before[name];
		return JSON.stringify({
			size: grown('bytesReceived') / grown('packetsReceived'),
			energy: grown('totalAudioEnergy'), concealed: (grown('concealedSamples') - grown('silentConcealedSamples')) / grown('totalSamplesReceived'),
		});
	})()`
	var got [2]struct{ Size, Energy, Concealed float64 }
	for i, tab := range tabs {
		tab.WaitFor("sound", received+`.then(s => { s = JSON.parse(s); return s.energy > 0 && s.concealed < 0.2; })`, 60*time.Second)
		if err := json.Unmarshal([]byte(chrome.Eval[string](tab, received)), &got[i]); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%+v", got)
	if with, without := got[0].Size, got[1].Size; with < 1.5*without {
		t.Errorf("%.0f bytes a packet with redundancy, %.0f without", with, without)
	}
}
