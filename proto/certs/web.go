package certs

import "crypto/tls"

// Web returns what to serve HTTP/1.1 and WebSocket with for good. Nobody is asked for a certificate, and HTTP/2 is not offered: a
// WebSocket of RFC 6455 begins as HTTP/1.1.
func (s *Source) Web() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: s.current().own, NextProtos: []string{"http/1.1"}}, nil
		},
	}
}
