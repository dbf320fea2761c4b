package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/services/standalone/web"
)

// servePage serves the page until ctx ends; over HTTPS, if there is a certificate, without which browsers on other machines
// give it neither camera nor microphone.
func servePage(ctx context.Context, cfg config, log *slog.Logger) error {
	janus, secure, err := pageSettings(cfg, log)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.PageListen)
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	url := pageURL(l.Addr())
	if secure != nil {
		l = tls.NewListener(l, secure)
		url = "https" + url[len("http"):]
	}
	log.Info("open the page", "url", url)
	return web.Serve(ctx, l, janus, log)
}

// pageSettings are what the page tells of the Janus API, and what it is served over TLS with; nil without a certificate.
func pageSettings(cfg config, log *slog.Logger) (janus web.Janus, secure *tls.Config, err error) {
	janus.URL = cfg.JanusURL
	if janus.Port, err = port("listen", cfg.Signaling.Listen); err != nil {
		return janus, nil, err
	}
	if janus.SecurePort, err = port("wss-listen", cfg.Signaling.WSSListen); err != nil {
		return janus, nil, err
	}
	files := certs.Files{Cert: cfg.Signaling.TLSCert, Key: cfg.Signaling.TLSKey}
	if !files.Any() {
		return janus, nil, nil
	}
	source, err := certs.Open(files, log)
	if err != nil {
		return janus, nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	return janus, source.Web(), nil
}

// port is that of an address to listen at, which a setting has.
func port(setting, address string) (int, error) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, fmt.Errorf("--%s %q: %w", setting, address, err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("--%s %q: %w", setting, address, err)
	}
	return n, nil
}

// pageURL is an address that works in a browser on this machine.
func pageURL(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", tcp.Port)
	}
	return "http://" + a.String()
}
