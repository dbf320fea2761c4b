package signaling

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

// listeners are open, by scheme.
type listeners map[string]net.Listener

func (ls listeners) close() {
	for _, l := range ls {
		l.Close()
	}
}

// tell says where they listen.
func (ls listeners) tell(listening func(map[string]net.Addr), log *slog.Logger) {
	addresses := map[string]net.Addr{}
	for scheme, l := range ls {
		addresses[scheme] = l.Addr()
		log.Info("listening", "scheme", scheme, "address", l.Addr().String())
	}
	if listening != nil {
		listening(addresses)
	}
}

// spare is how many connections there may be beyond those that are of use: they can be told that they are too many.
const spare = 100

// secureWeb returns what to serve TLS with; nil where there is none.
func secureWeb(cfg Config, log *slog.Logger) (*tls.Config, error) {
	files := certs.Files{Cert: cfg.TLSCert, Key: cfg.TLSKey}
	if !files.Any() {
		return nil, nil
	}
	source, err := certs.Open(files, log)
	if err != nil {
		return nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	return source.Web(), nil
}

// listen opens what is to be served: plain and, with a certificate, over TLS. The certificate is read again when its files change.
func listen(ctx context.Context, cfg Config, refusals *limit.Refusals, log *slog.Logger) (listeners, error) {
	secure, err := secureWeb(cfg, log)
	if err != nil {
		return nil, err
	}
	perAddress := 0
	if cfg.AddressSockets > 0 {
		perAddress = cfg.AddressSockets + spare
	}
	open := listeners{}
	for _, want := range []struct {
		scheme, setting, address string
		tls                      bool
	}{
		{"ws", "listen", cfg.Listen, false},
		{"wss", "wss-listen", cfg.WSSListen, true},
		{"http", "http-listen", cfg.HTTPListen, false},
		{"https", "https-listen", cfg.HTTPSListen, true},
		{"admin-ws", "admin-listen", cfg.AdminListen, false},
		{"admin-http", "admin-http-listen", cfg.AdminHTTPListen, false},
	} {
		if want.address == "" || want.tls && secure == nil {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", want.address)
		if err != nil {
			open.close()
			return nil, fmt.Errorf("%s: %w", want.setting, err)
		}
		l = limit.NewListener(l, cfg.MaxSockets+spare, perAddress, cfg.TrustedProxies, refusals)
		if want.tls {
			l = tls.NewListener(l, secure)
		}
		open[want.scheme] = l
	}
	return open, nil
}
