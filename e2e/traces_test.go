//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
	"github.com/cardea-rtc/cardea/proto/traces/tracestest"
)

const tracedTalk = `
al create
al attach janus.plugin.videoroom pub
al.pub {"request":"create","room":9077}
al.pub offer av {"request":"joinandconfigure","ptype":"publisher","room":9077,"display":"Al"}
wait 1s
al.pub {"request":"leave"}
al destroy
`

func TestAJoinIsOneTraceOverRealProcesses(t *testing.T) {
	collector := tracestest.Start(t)
	t.Setenv("CARDEA_TRACES_ENDPOINT", collector.URL) // for all services
	t.Setenv("CARDEA_TRACES_RATIO", "1")
	a := cluster.StartApart(t)
	if _, err := talk.Play(t.Context(), a.URLs[0], tracedTalk); err != nil {
		t.Fatal(err)
	}
	offered := func(trace tracestest.Trace) bool {
		return len(trace.Find("signaling", "janus message")) == 1 && len(trace.Find("signaling", "event")) > 0 &&
			len(trace.Find("media", "cardea.media.v1.Media/AcceptOffer")) == 1 && whole(trace)
	}
	up := func(trace tracestest.Trace) bool {
		return len(trace.Find("media", "peer up")) == 1 && len(trace.Find("signaling", "event")) == 1 && whole(trace)
	}
	join, peer := findTrace(t, collector, offered), findTrace(t, collector, up)
	call := join.Find("media", "cardea.media.v1.Media/AcceptOffer")[0]
	above := join.Above(call)
	if above[0] != "signaling:janus message" || above[1] != "signaling:send cardea.command" || above[2] != "roomstate:process cardea.command" ||
		above[len(above)-2] != "roomstate:cardea.media.v1.Media/AcceptOffer" {
		t.Errorf("the node's work is below %q", above)
	}
	handle := join.Find("signaling", "janus message")[0].Attributes["janus.handle"]
	if got := peer.Find("media", "peer up")[0]; got.Attributes["janus.handle"] != handle || got.Parent != "" {
		t.Errorf("that the peer is up is not linked to handle %s: %+v", handle, got)
	}
	for _, s := range join {
		t.Log(strings.Join(join.Above(s), " > "))
	}
}

// whole tells whether no span is missing between others and the first.
func whole(trace tracestest.Trace) bool {
	return !slices.ContainsFunc(trace, func(s tracestest.Span) bool { return slices.Contains(trace.Above(s), "…") })
}

func findTrace(t *testing.T, c *tracestest.Collector, fits func(tracestest.Trace) bool) tracestest.Trace {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, trace := range c.Traces() {
			if fits(trace) {
				return trace
			}
		}
	}
	for _, trace := range c.Traces() {
		for _, s := range trace {
			t.Log(s.Trace, strings.Join(trace.Above(s), " > "), s.Attributes)
		}
	}
	t.Fatal("no such trace")
	return nil
}
