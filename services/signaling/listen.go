package signaling

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// listeners are open, by scheme.
type listeners map[string]net.Listener

func (ls listeners) close() {
	for _, l := range ls {
		l.Close()
	}
}

// listen opens what is to be served: plain and, with a certificate, over TLS.
func listen(ctx context.Context, cfg Config) (listeners, error) {
	if (cfg.TLSCert == "") != (cfg.TLSKey == "") {
		return nil, errors.New("tls-cert and tls-key go together: one of them is not set")
	}
	var secure *tls.Config
	if cfg.TLSCert != "" {
		certificate, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("tls-cert %s, tls-key %s: %w", cfg.TLSCert, cfg.TLSKey, err)
		}
		secure = &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		}
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
		if want.tls {
			l = tls.NewListener(l, secure)
		}
		open[want.scheme] = l
	}
	return open, nil
}
