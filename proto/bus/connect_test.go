package bus_test

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

const patience = 20 * time.Second

var silent = slog.New(slog.DiscardHandler)

// guarded runs a NATS server with options of its own until the test ends.
func guarded(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoLog, o.NoSigs = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = -1
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS did not start")
	}
	return s
}

func secured(t *testing.T, f certs.Files, o *server.Options) *server.Server {
	t.Helper()
	source, err := certs.Open(f, silent)
	if err != nil {
		t.Fatal(err)
	}
	o.TLS, o.TLSVerify, o.TLSConfig = true, true, source.Server()
	return guarded(t, o)
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// connects tells whether a service is there soon.
func connects(t *testing.T, n bus.NATS) bool {
	t.Helper()
	nc, err := n.Connect("test", silent)
	if err != nil {
		t.Log(err)
		return false
	}
	defer nc.Close()
	for deadline := time.Now().Add(time.Second); !nc.IsConnected(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return nc.FlushTimeout(patience) == nil
}

func TestNATSKnowsServicesByCertificateAndPassword(t *testing.T) {
	ca, foreign := certstest.NewCA(t), certstest.NewCA(t)
	until := time.Now().Add(time.Hour)
	s := secured(t, ca.Issue(t, until, "127.0.0.1"), &server.Options{Username: "cardea", Password: "right"})
	own, others := ca.Issue(t, until), foreign.Issue(t, until)
	right := bus.NATS{
		NATSURL: "tls://" + s.Addr().String(), NATSUser: "cardea", NATSPasswordFile: file(t, "right\n"),
		NATSTLSCA: own.CA, NATSTLSCert: own.Cert, NATSTLSKey: own.Key,
	}
	for name, c := range map[string]struct {
		change func(*bus.NATS)
		want   bool
	}{
		"right":                     {func(*bus.NATS) {}, true},
		"right, and not by the URL": {func(n *bus.NATS) { n.NATSURL = "nats://" + s.Addr().String() }, true},
		"password in the URL": {func(n *bus.NATS) {
			n.NATSURL, n.NATSUser, n.NATSPasswordFile = "tls://cardea:right@"+s.Addr().String(), "", ""
		}, true},
		"wrong password":        {func(n *bus.NATS) { n.NATSPasswordFile = file(t, "wrong") }, false},
		"no user":               {func(n *bus.NATS) { n.NATSUser, n.NATSPasswordFile = "", "" }, false},
		"no certificate":        {func(n *bus.NATS) { n.NATSTLSCert, n.NATSTLSKey = "", "" }, false},
		"certificate of others": {func(n *bus.NATS) { n.NATSTLSCert, n.NATSTLSKey = others.Cert, others.Key }, false},
		"trust in others":       {func(n *bus.NATS) { n.NATSTLSCA = others.CA }, false},
		"plain text": {func(n *bus.NATS) {
			n.NATSURL, n.NATSTLSCA, n.NATSTLSCert, n.NATSTLSKey = "nats://"+s.Addr().String(), "", "", ""
		}, false},
	} {
		n := right
		c.change(&n)
		if got := connects(t, n); got != c.want {
			t.Errorf("%s: connected: %t", name, got)
		}
	}
}

func TestASecretIsNotSentInPlainTextWhereTLSIsWanted(t *testing.T) {
	own := certstest.NewCA(t).Issue(t, time.Now().Add(time.Hour))
	if s := guarded(t, &server.Options{}); connects(t, bus.NATS{NATSURL: "nats://" + s.Addr().String(), NATSTLSCA: own.CA}) {
		t.Error("connected")
	}
}

func TestNATSKnowsServicesByToken(t *testing.T) {
	s := guarded(t, &server.Options{Authorization: "right"})
	url := "nats://" + s.Addr().String()
	if !connects(t, bus.NATS{NATSURL: url, NATSTokenFile: file(t, "right\n")}) {
		t.Error("not connected")
	}
	if connects(t, bus.NATS{NATSURL: url, NATSTokenFile: file(t, "wrong")}) {
		t.Error("connected with a wrong one")
	}
}

func TestNATSKnowsServicesByCreds(t *testing.T) {
	operator, account, user := key(t, nkeys.CreateOperator), key(t, nkeys.CreateAccount), key(t, nkeys.CreateUser)
	public := func(k nkeys.KeyPair) string {
		name, err := k.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	accountJWT, err := jwt.NewAccountClaims(public(account)).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(public(account), accountJWT); err != nil {
		t.Fatal(err)
	}
	s := guarded(t, &server.Options{TrustedKeys: []string{public(operator)}, AccountResolver: resolver})
	creds := func(by nkeys.KeyPair) string {
		token, err := jwt.NewUserClaims(public(user)).Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		seed, err := user.Seed()
		if err != nil {
			t.Fatal(err)
		}
		b, err := jwt.FormatUserConfig(token, seed)
		if err != nil {
			t.Fatal(err)
		}
		return file(t, string(b))
	}
	url := "nats://" + s.Addr().String()
	if !connects(t, bus.NATS{NATSURL: url, NATSCredsFile: creds(account)}) {
		t.Error("not connected")
	}
	if connects(t, bus.NATS{NATSURL: url, NATSCredsFile: creds(key(t, nkeys.CreateAccount))}) {
		t.Error("connected as a user of an account that is not known")
	}
}

func key(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	k, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestAPasswordMayChangeUnderWay has a server come back with another password before the services know that one.
func TestAPasswordMayChangeUnderWay(t *testing.T) {
	s := guarded(t, &server.Options{Username: "cardea", Password: "first"})
	address := s.Addr().(*net.TCPAddr)
	password := file(t, "first")
	nc, err := bus.NATS{NATSURL: "nats://" + address.String(), NATSUser: "cardea", NATSPasswordFile: password}.Connect("test", silent)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	s.Shutdown()
	s.WaitForShutdown()
	guarded(t, &server.Options{Port: address.Port, Username: "cardea", Password: "second"})
	time.Sleep(4 * time.Second) // it is refused several times meanwhile
	if nc.IsConnected() {
		t.Error("connected with the password of before")
	}
	if err := os.WriteFile(password, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); !nc.IsConnected(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not connected: %v", nc.Status())
		}
	}
}

func TestNATSSettingsThatCannotWorkAreRefused(t *testing.T) {
	secret, empty := file(t, "x"), file(t, "")
	for name, n := range map[string]bus.NATS{
		"user without password": {NATSUser: "a"},
		"password, no user":     {NATSPasswordFile: secret},
		"empty password":        {NATSUser: "a", NATSPasswordFile: empty},
		"token and user":        {NATSUser: "a", NATSPasswordFile: secret, NATSTokenFile: secret},
		"empty token":           {NATSTokenFile: empty},
		"empty creds":           {NATSCredsFile: empty},
		"no creds":              {NATSCredsFile: secret},
		"creds without a seed":  {NATSCredsFile: file(t, "-----BEGIN NATS USER JWT-----\nx.y.z\n------END NATS USER JWT------\n")},
		"a seed of no user":     {NATSCredsFile: file(t, "-----BEGIN NATS USER JWT-----\nx.y.z\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\nSUtopsecret\n------END USER NKEY SEED------\n")},
		"no CA":                 {NATSTLSCA: empty},
		"certificate, no key":   {NATSTLSCert: secret},
		"no URL":                {NATSURL: "nats://u:topsecret@127.0.0.1:port"},
		"another's URL":         {NATSURL: "nats://127.0.0.1:1, ftp://u:topsecret@127.0.0.1"},
	} {
		if n.NATSURL == "" {
			n.NATSURL = "nats://127.0.0.1:1"
		}
		nc, err := n.Connect("test", silent)
		if err == nil {
			nc.Close()
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v", name, err)
		}
		if n.Check() == nil {
			t.Errorf("%s: found valid", name)
		}
	}
	for _, url := range []string{"nats://h:4222", "localhost:4222", "h", "tls://u:p@h, wss://h", "WS://h:80"} {
		if err := (bus.NATS{NATSURL: url}).Check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestServersAreLoggedWithoutPasswords(t *testing.T) {
	got := bus.NATS{NATSURL: "nats://user:secret@a:4222, tls://secret@b,nats://c"}.Servers()
	if strings.Contains(got, "secret") || !strings.Contains(got, "user") || strings.Count(got, ",") != 2 {
		t.Error(got)
	}
}
