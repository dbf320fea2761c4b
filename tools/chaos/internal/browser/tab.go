package browser

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/client"
)

//go:embed watch.js
var watch string

// stillMS is for how long a stream may bring nothing while all is well, in ms.
const stillMS = 700

const joinTimeout = 40 * time.Second

// Tab is a page in a call. It is a client.Client.
type Tab struct {
	name   string
	others int // that it sees and hears
	ctx    context.Context
}

// watched is what watch.js has seen.
type watched struct {
	SDPs, Hangups, JSEPs, Claims int
	Claim                        float64 // ms
	Lost                         string
	Video, Audio                 flows
}

type flows struct {
	N         int     // streams
	Gap, Open float64 // the longest, and the one that lasts still, ms
}

func (t *Tab) join(url string) error {
	if err := chromedp.Do(t.ctx); err != nil { // a tab lives as long as the first context that it is used with
		return fmt.Errorf("open tab: %w", err)
	}
	ctx, cancel := context.WithTimeout(t.ctx, joinTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("open page: %w", err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](watch)); err != nil {
		return fmt.Errorf("watch page: %w", err)
	}
	err := chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS("#start"), chromedp.NodeVisible),
		chromedp.WaitVisible(chromedp.CSS("#username")),
		chromedp.SendKeys(chromedp.CSS("#username"), t.name),
		chromedp.Click(chromedp.CSS("#register"), chromedp.NodeVisible))
	if err != nil {
		return fmt.Errorf("join: %w; the page says %q", err, t.text())
	}
	return nil
}

// text is what the page shows, for people.
func (t *Tab) text() string {
	ctx, cancel := context.WithTimeout(t.ctx, evalTimeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("JSON.stringify(watch.pcs.map(pc => [pc.connectionState, pc.signalingState])) + document.body.innerText.slice(0, 500)"))
	return text + fmt.Sprint(err)
}

func (t *Tab) read() (watched, error) {
	ctx, cancel := context.WithTimeout(t.ctx, evalTimeout)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[watched]("watch.read()"))
}

// Name is of client.Client.
func (t *Tab) Name() string { return t.name }

// Reset is of client.Client.
func (t *Tab) Reset() {
	ctx, cancel := context.WithTimeout(t.ctx, evalTimeout)
	defer cancel()
	_, _ = chromedp.Run(ctx, chromedp.Evaluate[bool]("watch.reset()")) // a page that does not answer is not well
}

// Seen is of client.Client.
func (t *Tab) Seen() client.Sight {
	w, err := t.read()
	if err != nil {
		return client.Sight{CallsLost: 1}
	}
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	s := client.Sight{
		Sound: ms(w.Audio.Gap), Pictures: ms(w.Video.Gap), Claim: ms(w.Claim), Claims: w.Claims,
		Hangups: w.Hangups, Descriptions: w.JSEPs + w.SDPs,
	}
	if w.Lost != "" {
		s.CallsLost = 1
	}
	return s
}

// Well is of client.Client.
func (t *Tab) Well() error {
	w, err := t.read()
	switch {
	case err != nil:
		return err
	case w.Lost != "":
		return errors.New(w.Lost)
	case w.Video.N < t.others || w.Audio.N < t.others:
		return fmt.Errorf("%d pictures and %d sounds", w.Video.N, w.Audio.N)
	case max(w.Video.Open, w.Audio.Open) > stillMS:
		return fmt.Errorf("a stream brings nothing for %.0f ms", max(w.Video.Open, w.Audio.Open))
	}
	return nil
}

// Lost is of client.Client.
func (t *Tab) Lost() error {
	if w, err := t.read(); err != nil {
		return err
	} else if w.Lost != "" {
		return errors.New(w.Lost)
	}
	return nil
}

// Close is of client.Client: tabs end with their browser.
func (t *Tab) Close() {}
