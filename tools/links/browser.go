package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/chromedp/chromedp"
)

//go:embed page
var pageFiles embed.FS

const (
	// scripts is where Debian keeps janus.js and what it needs.
	scripts = "/usr/share/javascript"

	evalTimeout = 40 * time.Second // of an expression, such as a call that is to be set up
)

// drive is a browser of the lab: it runs inside a namespace, as a process of its own. It does what it reads, line by line,
// and answers each with a line: an expression of JavaScript, and its value as JSON.
func drive(in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0") // browsers give a camera to pages of this machine
	if err != nil {
		return err
	}
	page, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.Handle("GET /javascript/", http.StripPrefix("/javascript/", http.FileServer(http.Dir(scripts))))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	err = browse(in, out, "http://"+l.Addr().String()+"/")
	_ = server.Close()
	<-served
	return err
}

// browse opens a page and evaluates what comes.
func browse(in io.Reader, out io.Writer, url string) error {
	dir, err := os.MkdirTemp("", "links")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("use-fake-device-for-media-stream", "fps=30"), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("disable-features", "WebRtcHideLocalIpsWithMdns"),
		chromedp.Flag("disable-renderer-backgrounding", true), chromedp.Flag("disable-background-timer-throttling", true),
	)
	allocated, cancelAllocated := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancelAllocated()
	ctx, cancel := chromedp.NewContext(allocated)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("open page: %w", err)
	}
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var expression string
		if err := requests.Decode(&expression); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, evalTimeout)
		value, err := chromedp.Run(limited, chromedp.Evaluate[string]("(async () => JSON.stringify(await ("+expression+") ?? null))()", chromedp.EvalAwaitPromise))
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", expression, err)
		}
		if err := answers.Encode(json.RawMessage(value)); err != nil {
			return err
		}
	}
}
