package main

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

// freeAddress is one on this machine at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape returns the types of Cardea's metrics at an internal listener, and what labels were seen, once all are up.
func scrape(t *testing.T, address string) (kinds map[string]string, series []string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			continue
		}
		kinds = map[string]string{}
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if f := strings.Fields(lines.Text()); len(f) == 4 && f[1] == "TYPE" {
				kinds[f[2]] = f[3]
			} else if !strings.HasPrefix(lines.Text(), "#") {
				series = append(series, lines.Text())
			}
		}
		_ = resp.Body.Close()
		return kinds, series
	}
}

// What is not counted yet shows no series; tools/metrics looks at the code for those. This is for names and types as they are.
func TestWhatServicesShowIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	type metric struct{ kind, labels string }
	documented := map[string]metric{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([a-z]+) \\| ([^|]*) \\|").FindAllStringSubmatch(string(b), -1) {
		documented[m[1]] = metric{m[2], m[3]}
	}

	cfg := defaults(t)
	cfg.PageListen, cfg.Signaling.Listen, cfg.Signaling.HTTPListen = "127.0.0.1:0", "127.0.0.1:0", freeAddress(t)
	cfg.Signaling.AdminListen, cfg.Signaling.AdminHTTPListen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.OpsListen, cfg.RoomstateOpsListen, cfg.MediaOpsListen = freeAddress(t), freeAddress(t), freeAddress(t)
	cfg.Media.RemotePorts.First, cfg.Media.RemotePorts.Last = 20000, 20999
	files := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour), "localhost")
	cfg.Traces.CAFile = files.CA // of all three
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- serveAll(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	scrape(t, cfg.OpsListen)
	e := &edges{t: t, http: []string{"http://" + cfg.Signaling.HTTPListen + "/janus", "http://" + cfg.Signaling.HTTPListen + "/janus"}}
	session, handle := e.session()
	e.send(0, handle, "1")
	e.want(session, 1, 1)
	e.post(0, "/5", `{"janus":"keepalive","transaction":"k"}`)

	total := 0
	label := regexp.MustCompile(`[{,]([a-z_]+)="`)
	for name, address := range map[string]string{"edge": cfg.OpsListen, "roomstate": cfg.RoomstateOpsListen, "media": cfg.MediaOpsListen} {
		kinds, series := scrape(t, address)
		if !slices.ContainsFunc(series, func(s string) bool {
			return strings.HasPrefix(s, `cardea_certificate_expires_seconds{file="traces-tls-ca"`)
		}) {
			t.Errorf("%s does not show when certificates expire", name)
		}
		for metric, kind := range kinds {
			if strings.HasPrefix(metric, "go_") || strings.HasPrefix(metric, "process_") || strings.HasPrefix(metric, "promhttp_") {
				continue
			}
			total++
			if documented[metric].kind != kind || !strings.HasPrefix(metric, "cardea_"+name+"_") && !strings.HasPrefix(metric, "cardea_certificate_") {
				t.Errorf("%s shows %s, a %s; documented is %q", name, metric, kind, documented[metric])
			}
		}
		for _, s := range series {
			of, _, _ := strings.Cut(s, "{")
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if base, cut := strings.CutSuffix(of, suffix); cut && documented[base].kind == "histogram" {
					of = base
				}
			}
			if documented[of].kind == "" {
				continue // Go's, or without labels
			}
			for _, m := range label.FindAllStringSubmatch(s, -1) {
				if m[1] != "le" && !strings.Contains(documented[of].labels, "`"+m[1]+"`") {
					t.Errorf("%s: label %s is not documented: %s", name, m[1], s)
				}
			}
		}
	}
	if total < 40 {
		t.Errorf("only %d metrics are shown", total)
	}
}
