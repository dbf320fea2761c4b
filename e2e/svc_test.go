//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// TestSVC has a browser send all layers in one stream, and chooses among them.
func TestSVC(t *testing.T) {
	t.Parallel()
	for codec, mode := range map[string]string{"vp9": "L2T3_KEY", "av1": "L2T3_KEY"} {
		t.Run(codec, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			api := dialNode(t, cluster.StartNodes(t, 1)[0])
			tab := startCall(ctx, t, api, codec, fmt.Sprintf("[{scalabilityMode: %q}]", mode))
			tab.WaitFor("the best layers", `stats().then(s => s.video?.height === 360 && s.video.frames > 30)`, 30*time.Second)
			tab.Screenshot("best")
			const pace = `(async () => {
				const before = (await stats()).video.frames;
				await new Promise(r => setTimeout(r, 3000));
				return (await stats()).video.frames - before;
			})()`
			all := chrome.Eval[int](tab.Tab, pace)
			for _, want := range []struct{ spatial, temporal, height uint32 }{{0, 2, 180}, {1, 2, 360}, {0, 2, 180}, {2, 0, 360}} {
				for _, s := range tab.slots {
					s.Layers.SpatialLayer, s.Layers.TemporalLayer = want.spatial, want.temporal
				}
				if _, err := api.UpdateSubscriber(ctx, &mediav1.UpdateSubscriberRequest{Peer: tab.subscriber, Slots: tab.slots}); err != nil {
					t.Fatal(err)
				}
				tab.WaitFor(fmt.Sprint("layers ", want.spatial, want.temporal),
					fmt.Sprintf(`stats().then(s => s.video.height === %d)`, want.height), 30*time.Second)
				tab.WaitMoreFrames(1, 20*time.Second)
			}
			tab.WaitFor("a quarter of the pictures", fmt.Sprintf("%s.then(n => n > 0 && n < %d)", pace, all/2), 20*time.Second)
		})
	}
}
