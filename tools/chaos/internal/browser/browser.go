// Package browser is Chromium in a call by Janus's multistream demo page, which is as Debian installs it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/chromedp/chromedp"
)

const evalTimeout = 10 * time.Second

// Browser is one Chromium with a tab for each that is in the call.
type Browser struct {
	Tabs []*Tab

	dir  string
	stop []func() // what is to be ended, last first
}

// Open has so many tabs join the demo room by edges, and returns when each sees and hears all others.
func Open(ctx context.Context, tabs int, edges []Edge) (*Browser, error) {
	b := &Browser{}
	if err := b.open(ctx, tabs, edges); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Browser) open(ctx context.Context, tabs int, edges []Edge) (err error) {
	if b.dir, err = os.MkdirTemp("", "chaos-browser"); err != nil {
		return err
	}
	between, err := balance(edges)
	if err != nil {
		return err
	}
	b.stop = append(b.stop, between.close)
	base, stop, err := servePages("ws://" + between.listener.Addr().String() + "/")
	if err != nil {
		return err
	}
	b.stop = append(b.stop, stop)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(b.dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns"),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true), chromedp.Flag("disable-background-timer-throttling", true),
	)
	allocated, cancelAllocated := chromedp.NewExecAllocator(context.Background(), options...)
	b.stop = append(b.stop, cancelAllocated)
	whole, cancel := chromedp.NewContext(allocated)
	b.stop = append(b.stop, cancel)
	if err := chromedp.Do(whole); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	for i := range tabs {
		tab := &Tab{name: fmt.Sprint("tab", i), others: tabs - 1}
		var cancel context.CancelFunc
		tab.ctx, cancel = chromedp.NewContext(whole)
		b.stop = append(b.stop, cancel)
		if err := tab.join(base + "/mvideoroomtest.html"); err != nil {
			return fmt.Errorf("%s: %w", tab.name, err)
		}
		b.Tabs = append(b.Tabs, tab)
	}
	for _, tab := range b.Tabs {
		for tab.Well() != nil {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("%s: %w; the page says %q", tab.name, tab.Well(), tab.text())
			}
		}
		tab.Reset()
	}
	return nil
}

// Close ends the browser.
func (b *Browser) Close() error {
	for i := len(b.stop) - 1; i >= 0; i-- {
		b.stop[i]()
	}
	return os.RemoveAll(b.dir)
}
