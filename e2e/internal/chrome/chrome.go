// Package chrome drives Debian's Chromium, with a fake camera and microphone.
package chrome

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

// Browser is one Chromium.
type Browser struct {
	ctx context.Context
}

// Start runs a browser until the test ends. flags are more of Chromium's, or others, each as "name=value".
func Start(t testing.TB, flags ...string) *Browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("auto-select-desktop-capture-source", "Entire screen"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		// Test traffic stays on loopback, where browsers do not look for candidates by themselves.
		chromedp.Flag("allow-loopback-in-peer-connection", true),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns"),
		// Tabs in the background must not fall asleep.
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-background-timer-throttling", true),
	)
	for _, flag := range flags {
		name, value, _ := strings.Cut(flag, "=")
		opts = append(opts, chromedp.Flag(name, value))
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); cancelAlloc() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &Browser{ctx: ctx}
}

// Tab is one page.
type Tab struct {
	t    testing.TB
	name string
	ctx  context.Context
}

// Open opens a page. What it writes on its console is kept among the artifacts.
func (b *Browser) Open(t testing.TB, name, url string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tab := &Tab{t: t, name: name, ctx: ctx}
	log, err := os.Create(filepath.Join(proc.Artifacts(t), name+".console.log"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait(); _ = log.Close() })
	console := chromedp.Console(ctx)
	wg.Go(func() {
		for message, err := range console {
			if err != nil {
				return
			}
			fmt.Fprintln(log, message.Type, message)
		}
	})
	tab.do(chromedp.Navigate(url))
	return tab
}

// do runs browser actions, and fails the test with a screenshot if they take more than 30 seconds.
func (tab *Tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tab.Screenshot("failed")
		tab.t.Fatalf("%s: %v", tab.name, err)
	}
}

// Click clicks what the CSS selector finds, once it is visible and at rest: dialogs slide in, away from under a click.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	tab.WaitFor(selector+" at rest", fmt.Sprintf(atRest, selector), 10*time.Second)
	tab.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// atRest is JavaScript for whether an element is where it was a tenth of a second ago.
const atRest = `new Promise(done => {
	const place = () => JSON.stringify(document.querySelector(%[1]q)?.getBoundingClientRect());
	const before = place();
	setTimeout(() => done(before === place()), 100);
})`

// Type types into what the CSS selector finds.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	tab.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Eval runs JavaScript in the page, an expression that may be a promise, and returns its value.
func Eval[T any](tab *Tab, js string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, 30*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.Screenshot("failed")
		tab.t.Fatalf("%s: %s: %v", tab.name, js, err)
	}
	return value
}

// WaitFor polls a JavaScript expression until it is truthy, at most for the time given.
func (tab *Tab) WaitFor(what, js string, within time.Duration) {
	tab.t.Helper()
	deadline := time.Now().Add(within)
	for time.Now().Before(deadline) {
		if Eval[bool](tab, "Promise.resolve("+js+").then(Boolean)") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	tab.Screenshot("failed")
	state := Eval[string](tab, `JSON.stringify([...document.querySelectorAll('video')].map(v => ({id: v.id, width: v.videoWidth, frames: v.getVideoPlaybackQuality().totalVideoFrames, paused: v.paused, hidden: v.hidden})))`)
	tab.t.Fatalf("%s: not within %v: %s\n%s", tab.name, within, what, state)
}

// framesOf is JavaScript for the frames that each playing video with a picture has shown.
const framesOf = `[...document.querySelectorAll('video')].filter(v => v.videoWidth > 0 && !v.paused).map(v => v.getVideoPlaybackQuality().totalVideoFrames)`

// WaitVideos waits until n videos of the page show moving pictures: each decodes 20 frames and more.
func (tab *Tab) WaitVideos(n int, within time.Duration) {
	tab.t.Helper()
	tab.WaitFor("moving videos", framesOf+`.filter(frames => frames >= 20).length >= `+strconv.Itoa(n), within)
}

// Frames returns the frames that each playing video has shown so far.
func (tab *Tab) Frames() []int {
	tab.t.Helper()
	return Eval[[]int](tab, framesOf)
}

// WaitMoreFrames waits until n videos have each decoded 20 frames more than now.
func (tab *Tab) WaitMoreFrames(n int, within time.Duration) {
	tab.t.Helper()
	Eval[int](tab, `(window.framesBefore = new Map([...document.querySelectorAll('video')].map(v => [v, v.getVideoPlaybackQuality().totalVideoFrames]))).size`)
	tab.WaitFor("more frames", `[...document.querySelectorAll('video')].filter(v => v.getVideoPlaybackQuality().totalVideoFrames >= (framesBefore.get(v) ?? 0) + 20).length >= `+strconv.Itoa(n), within)
}

// Resize gives the page a window of this size, in pixels of CSS.
func (tab *Tab) Resize(width, height int) {
	tab.t.Helper()
	tab.do(chromedp.EmulateViewport(int64(width), int64(height)))
}

// Screenshot keeps a picture of the page among the artifacts.
func (tab *Tab) Screenshot(name string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		tab.t.Logf("%s: no screenshot: %v", tab.name, err)
		return
	}
	path := filepath.Join(proc.Artifacts(tab.t), tab.name+"-"+name+".png")
	if err := os.WriteFile(path, png, 0o644); err != nil {
		tab.t.Logf("%s: %v", tab.name, err)
	}
}
