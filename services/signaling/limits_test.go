package signaling

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// ping asks over HTTP as for an endpoint, which a proxy names, and returns the status.
func ping(t *testing.T, address net.Addr, endpoint string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+address.String()+"/janus/ping", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("X-Forwarded-For", endpoint)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// socket opens a WebSocket likewise.
func socket(t *testing.T, address net.Addr, endpoint string) (*websocket.Conn, int) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"janus-protocol"}}
	conn, resp, err := dialer.Dial("ws://"+address.String(), http.Header{"X-Forwarded-For": {endpoint}})
	if resp == nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if conn != nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, resp.StatusCode
}

func TestSocketsOfOneAddressHaveABound(t *testing.T) {
	for name, c := range map[string]struct {
		proxies []netip.Prefix
		other   int // status of another endpoint, as the proxy says
	}{
		"of a proxy":       {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, http.StatusSwitchingProtocols},
		"of no such proxy": {nil, http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.AddressSockets, cfg.TrustedProxies = 2, c.proxies
			addresses := run(t, cfg)
			first, _ := socket(t, addresses["ws"], "2001:db8::1")
			for _, endpoint := range []string{"2001:db8::2", "2001:db8::3"} {
				_, status := socket(t, addresses["ws"], endpoint)
				if want := map[string]int{"2001:db8::2": http.StatusSwitchingProtocols, "2001:db8::3": http.StatusTooManyRequests}[endpoint]; status != want {
					t.Errorf("%s: status %d", endpoint, status)
				}
			}
			if status := ping(t, addresses["http"], "2001:db8::4"); status != http.StatusTooManyRequests {
				t.Errorf("over HTTP: status %d", status)
			}
			if _, status := socket(t, addresses["ws"], "2001:db8:0:1::1"); status != c.other {
				t.Errorf("another endpoint: status %d", status)
			}
			// Those that are there live on.
			if err := first.WriteMessage(websocket.TextMessage, []byte(`{"janus":"ping","transaction":"p"}`)); err != nil {
				t.Fatal(err)
			}
			if _, m, err := first.ReadMessage(); err != nil || !strings.Contains(string(m), "pong") {
				t.Errorf("got %s, %v", m, err)
			}
		})
	}
}

func TestNewSocketsAndRequestsOfOneAddressHaveARate(t *testing.T) {
	cfg := config(t)
	cfg.AddressRate, cfg.TrustedProxies = 1, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	addresses := run(t, cfg)
	refused := 0
	for range 100 {
		if ping(t, addresses["http"], "192.0.2.1") == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("%d of 100 refused", refused)
	}
	if status := ping(t, addresses["http"], "192.0.2.2"); status != http.StatusOK {
		t.Errorf("another endpoint: status %d", status)
	}
	if status := ping(t, addresses["http"], "192.0.2.1, 192.0.2.3"); status != http.StatusOK {
		t.Errorf("who claims to be the first: status %d", status)
	}
}

func TestLimitsAndTokensThatCannotBeAreRefusedAtTheStart(t *testing.T) {
	short := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(short, []byte("too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"address-sockets": func(c *Config) { c.AddressSockets = -1 },
		"session-rate":    func(c *Config) { c.SessionRate = -1 },
		"max-sdp":         func(c *Config) { c.MaxSDP = -1 },
		"max-queue":       func(c *Config) { c.MaxQueue = 0 },
		"write-timeout":   func(c *Config) { c.WriteTimeout = 0 },
		"jwt-leeway":      func(c *Config) { c.JWTLeeway = -1 },
		"32 bytes":        func(c *Config) { c.TokenAuth, c.JWTSecretFile = true, short },
		"token-auth":      func(c *Config) { c.JWTSecretFile = long(t) },
	} {
		cfg := config(t)
		change(&cfg)
		err := cfg.Validate()
		if err == nil {
			_, err = readAuth(cfg, slog.New(slog.DiscardHandler))
		}
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "too short") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// long is a file with a secret that is long enough.
func long(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
