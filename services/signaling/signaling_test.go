package signaling

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER), roots
}

// config is one for tests: free ports, and a NATS server in this process.
func config(t *testing.T) Config {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS did not start")
	}
	var cfg Config
	if err := settings.Defaults(&cfg); err != nil {
		t.Fatal(err)
	}
	cfg.NATSURL = s.ClientURL()
	for _, address := range []*string{&cfg.Listen, &cfg.WSSListen, &cfg.HTTPListen, &cfg.HTTPSListen, &cfg.AdminListen, &cfg.AdminHTTPListen, &cfg.OpsListen} {
		*address = "127.0.0.1:0"
	}
	return cfg
}

// run runs an edge until the test ends and returns where it listens.
func run(t *testing.T, cfg Config) map[string]net.Addr {
	t.Helper()
	listening := make(chan map[string]net.Addr, 1)
	cfg.Listening = func(a map[string]net.Addr) { listening <- a }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-listening:
		return a
	case err := <-done:
		done <- nil
		t.Fatal(err)
		return nil
	}
}

func TestPingOverWebSocketWithAndWithoutTLS(t *testing.T) {
	cfg := config(t)
	var roots *x509.CertPool
	cfg.TLSCert, cfg.TLSKey, roots = certificate(t)
	addresses := run(t, cfg)
	if len(addresses) != 6 {
		t.Fatalf("listens at %v", addresses)
	}
	for _, scheme := range []string{"ws", "wss"} {
		dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}, TLSClientConfig: &tls.Config{RootCAs: roots}}
		conn, resp, err := dialer.Dial(scheme+"://"+addresses[scheme].String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"janus":"ping","transaction":"p"}`)); err != nil {
			t.Fatal(err)
		}
		if _, m, err := conn.ReadMessage(); err != nil || string(m) != `{"janus":"pong","transaction":"p"}` {
			t.Errorf("%s: %s, %v", scheme, m, err)
		}
		conn.Close()
	}
}

func TestPingOverHTTPWithAndWithoutTLS(t *testing.T) {
	cfg := config(t)
	var roots *x509.CertPool
	cfg.TLSCert, cfg.TLSKey, roots = certificate(t)
	addresses := run(t, cfg)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	for _, scheme := range []string{"http", "https"} {
		url := scheme + "://" + addresses[scheme].String() + "/janus"
		resp, err := client.Post(url, "application/json", strings.NewReader(`{"janus":"ping","transaction":"p"}`))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != `{"janus":"pong","transaction":"p"}` {
			t.Errorf("%s: %s, %v", scheme, b, err)
		}
	}
}

func TestARequestFailsWithWordsWhenNobodyAnswers(t *testing.T) {
	cfg := config(t)
	cfg.AnswerTimeout = 100 * time.Millisecond
	dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}}
	conn, resp, err := dialer.Dial("ws://"+run(t, cfg)["ws"].String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"janus":"create","transaction":"c"}`)); err != nil {
		t.Fatal(err)
	}
	if _, m, err := conn.ReadMessage(); err != nil || !strings.Contains(string(m), `"code":490,"reason":"Service unavailable, try again"`) {
		t.Errorf("got %s, %v", m, err)
	}
}

// TestTheLogTellsThatAnEdgeEnds and how many sockets are asked to go.
func TestTheLogTellsThatAnEdgeEnds(t *testing.T) {
	cfg, listening := config(t), make(chan map[string]net.Addr, 1)
	cfg.Listening = func(a map[string]net.Addr) { listening <- a }
	var said bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg, slog.New(slog.NewTextHandler(&said, nil))) }()
	dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}}
	conn, resp, err := dialer.Dial("ws://"+(<-listening)["ws"].String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	cancel()
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the socket ends with %v", err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"level=INFO msg=ending edge=", " sockets=1 admin_sockets=0\n", "level=INFO msg=ended edge=", " took_ms="} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the log lacks %q: %s", want, said.String())
		}
	}
}

func TestTimesThatMakeNoSenseAreShownAsTimes(t *testing.T) {
	for want, set := range map[string]func(*Config){
		"write-timeout must be above 0, is -1s": func(c *Config) { c.WriteTimeout = -time.Second },
		"answer-timeout must be above 0, is 0s": func(c *Config) { c.AnswerTimeout = 0 },
	} {
		cfg := config(t)
		set(&cfg)
		if err := cfg.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

func TestHalfACertificateIsAnError(t *testing.T) {
	cfg := config(t)
	cfg.TLSCert = "cert.pem"
	if err := Run(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "tls-key") {
		t.Errorf("got %v", err)
	}
}

func TestAdminListensInPrivateUnlessThereIsASecret(t *testing.T) {
	cfg := config(t)
	cfg.AdminListen = ":7188"
	if err := cfg.Validate(); err == nil {
		t.Error("a public address without a secret is taken")
	}
	cfg.AdminSecretFile = "secret"
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAdminOverWebSocketAndHTTP(t *testing.T) {
	addresses := run(t, config(t))
	dialer := websocket.Dialer{Subprotocols: []string{"janus-admin-protocol"}}
	conn, resp, err := dialer.Dial("ws://"+addresses["admin-ws"].String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"janus":"ping","transaction":"p"}`)); err != nil {
		t.Fatal(err)
	}
	if _, m, err := conn.ReadMessage(); err != nil || string(m) != `{"janus":"pong","transaction":"p"}` {
		t.Errorf("got %s, %v", m, err)
	}
	if _, resp, err := dialer.Dial("ws://"+addresses["ws"].String(), nil); err == nil {
		t.Error("the Admin API's subprotocol is taken at the other port")
	} else if resp != nil {
		resp.Body.Close()
	}
	for origin, want := range map[string]int{"": http.StatusOK, "http://example.org": http.StatusForbidden} {
		req, err := http.NewRequest(http.MethodGet, "http://"+addresses["admin-http"].String()+"/admin/ping", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		if origin != "" {
			req.Header.Set("Origin", origin) // a page: without a secret, none may ask
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("origin %q: status %d", origin, resp.StatusCode)
		}
	}
}
