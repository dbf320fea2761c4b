package edge

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/reread"
	"github.com/cardea-rtc/cardea/services/signaling/internal/jwt"
)

const jwtSecret = "0123456789abcdef0123456789abcdef"

// webToken is a JWT that is over in so much time, with more claims.
func webToken(t *testing.T, in time.Duration, claims string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(jwtSecret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Sign(fmt.Appendf(nil, `{"exp":%d%s}`, time.Now().Add(in).Unix(), claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := o.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func jwtAuth(t *testing.T) Auth {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(jwtSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := jwt.New(jwt.Options{SecretFile: file}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return Auth{Tokens: true, JWT: v}
}

func TestJWTsBesideSecretsAndSignedTokens(t *testing.T) {
	good, over := webToken(t, time.Hour, `,"plugins":["p"]`), webToken(t, -time.Hour, "")
	old := signed("k", time.Now().Add(time.Hour), "q")
	alone := jwtAuth(t)
	withSecret, withSigned := alone, alone
	withSecret.Secret, withSigned.TokenSecret = reread.Fixed("s"), reread.Fixed("k")
	for _, c := range []struct {
		auth          Auth
		secret, token string
		want          string
	}{
		{alone, "", good, "[p]"}, {alone, "", webToken(t, time.Hour, ""), "all"}, {alone, "", over, "no"}, {alone, "", "", "no"},
		{alone, "", old, "no"}, {alone, "", "stored", "no"}, {alone, "", webToken(t, time.Hour, `,"room":1`), "[janus.plugin.videoroom]"},
		{withSecret, "s", "", "all"}, {withSecret, "s", good, "[p]"}, {withSecret, "s", over, "[]"}, {withSecret, "x", good, "[p]"}, {withSecret, "x", over, "no"},
		{withSigned, "", good, "[p]"}, {withSigned, "", old, "[q]"}, {withSigned, "", over, "no"}, {withSigned, "", old + ":", "no"},
	} {
		e := start(t, tokenBus())
		e.opt.Auth = c.auth
		g, err := e.authorize(context.Background(), c.secret, c.token)
		got := "all"
		switch {
		case err != nil:
			got = "no"
		case g.restricted:
			got = fmt.Sprint(g.plugins)
		}
		if got != c.want {
			t.Errorf("secret %q, token %.20s…: got %s, want %s (%v)", c.secret, c.token, got, c.want, err)
		}
	}
}

// TestAJWTsRightsGoWithTheHandleAndTheTokenDoesNot: it would let in whoever sees it, in a log or elsewhere.
func TestAJWTsRightsGoWithTheHandleAndTheTokenDoesNot(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	attached := make(chan *busv1.Attach, 1)
	bus := &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if a := cmd.GetAttach(); a != nil {
			attached <- a
		}
		return done, nil
	}}
	e := New(bus, Options{
		Name: "e", AnswerTimeout: 30 * time.Second, SocketPending: 8, SocketSessions: 3, Sessions: 100, Auth: jwtAuth(t),
	}, NewMetrics(prometheus.NewRegistry()), slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(e.Close)
	client, socket := open(e, "a")
	good, over := webToken(t, time.Hour, `,"sub":"ann","room":[7],"role":"publisher"`), webToken(t, -time.Hour, "")
	client.Receive(fmt.Appendf(nil, `{"janus":"create","transaction":"c","id":7,"token":%q}`, good))
	socket.want(t, `"success"`)
	client.Receive(fmt.Appendf(nil, `{"janus":"attach","transaction":"a","session_id":7,"plugin":"janus.plugin.videoroom","token":%q}`, good))
	socket.want(t, `"success"`)
	a := <-attached
	if r := a.GetRights(); r.GetAnyRoom() || fmt.Sprint(r.GetRooms()) != "[7]" || r.GetRole() != "publisher" || a.GetToken() != "ann" {
		t.Errorf("attached by %v", a)
	}
	client.Receive(fmt.Appendf(nil, `{"janus":"keepalive","transaction":"k","session_id":7,"token":%q}`, over))
	socket.want(t, `"code":403`)
	mu.Lock()
	defer mu.Unlock()
	if said := log.String(); !strings.Contains(said, "token refused") || strings.Contains(said, over[:30]) || strings.Contains(said, good[:30]) {
		t.Errorf("the log says %s", said)
	}
}

// lockedWriter is for loggers of several goroutines.
type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}
