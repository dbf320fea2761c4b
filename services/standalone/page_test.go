package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate writes one for localhost, and its key, and returns the files and who trusts it.
func certificate(t *testing.T) (cert, key string, trust *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust.AddCert(parsed)
	return cert, key, trust
}

func TestPageComesOverHTTPSIfThereIsACertificate(t *testing.T) {
	cfg := defaults(t)
	cfg.PageListen, cfg.Signaling.WSSListen = freeAddress(t), ":7777"
	var trust *x509.CertPool
	cfg.Signaling.TLSCert, cfg.Signaling.TLSKey, trust = certificate(t)
	log := slog.New(slog.DiscardHandler)
	serving(t, func(ctx context.Context) error { return servePage(ctx, cfg, log) })
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: "localhost"}, DisableKeepAlives: true,
	}}
	var got *http.Response
	var err error
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got, err = client.Get("https://" + cfg.PageListen + "/config.json"); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	defer func() { _ = got.Body.Close() }()
	var told struct{ SecurePort int }
	if err := json.NewDecoder(got.Body).Decode(&told); err != nil || told.SecurePort != 7777 {
		t.Errorf("the page is told port %d for wss, %v", told.SecurePort, err)
	}

	cfg.Signaling.TLSKey = ""
	if err := servePage(t.Context(), cfg, log); err == nil {
		t.Error("a certificate without a key is taken")
	}
}
