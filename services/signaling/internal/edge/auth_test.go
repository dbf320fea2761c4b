package edge

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/reread"
)

func signed(secret string, expiry time.Time, plugin string) string {
	text := fmt.Sprintf("%d,janus,%s", expiry.Unix(), plugin)
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(text))
	return text + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// tokenBus knows one stored token, "stored", for plugin p.
func tokenBus() *fakeBus {
	return &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		switch a := cmd.GetAdmin(); {
		case a == nil:
			return done, nil
		case string(a.GetParameters()) != `{"token":"stored"}`:
			return nil, fault.New(fault.TokenNotFound, nil)
		}
		return &busv1.Reply{Outcome: &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Data: []byte(`{"allowed_plugins":["p"]}`)}}}, nil
	}}
}

func TestEitherSecretOrTokenIsEnough(t *testing.T) {
	good, over := signed("k", time.Now().Add(time.Hour), "p"), signed("k", time.Now().Add(-time.Hour), "p")
	none, onlySecret := Auth{}, Auth{Secret: reread.Fixed("s")}
	stored, signedOnes := Auth{Tokens: true}, Auth{Tokens: true, TokenSecret: reread.Fixed("k")}
	both, bothSigned := Auth{Secret: reread.Fixed("s"), Tokens: true}, Auth{Secret: reread.Fixed("s"), Tokens: true, TokenSecret: reread.Fixed("k")}
	for _, c := range []struct {
		auth          Auth
		secret, token string
		want          string // no: refused; all: any plugin; else the plugins
	}{
		{none, "", "", "all"}, {none, "x", "x", "all"},
		{onlySecret, "s", "", "all"}, {onlySecret, "x", "", "no"}, {onlySecret, "", "stored", "no"}, {onlySecret, "s", "x", "all"},
		{stored, "", "stored", "[p]"}, {stored, "", "x", "no"}, {stored, "", "", "no"},
		{signedOnes, "", good, "[p]"}, {signedOnes, "", over, "no"}, {signedOnes, "", "stored", "no"},
		{both, "s", "", "all"}, {both, "x", "stored", "[p]"}, {both, "s", "stored", "[p]"}, {both, "s", "x", "[]"}, {both, "x", "x", "no"},
		{bothSigned, "s", over, "[]"}, {bothSigned, "", good, "[p]"},
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
			t.Errorf("%+v, secret %q, token %q: got %s, want %s (%v)", c.auth, c.secret, c.token, got, c.want, err)
		}
	}
}

func TestRequestsWithoutARightAreRefused(t *testing.T) {
	e := start(t, tokenBus())
	e.opt.Auth = Auth{Tokens: true}
	client, socket := open(e, "a")
	client.Receive([]byte(`{"janus":"create","transaction":"c","id":7,"token":"x"}`))
	socket.want(t, `"code":403`, `"transaction":"c"`)
	client.Receive([]byte(`{"janus":"create","transaction":"c","id":7,"token":"stored"}`))
	socket.want(t, `"success"`)
	client.Receive([]byte(`{"janus":"keepalive","transaction":"k","session_id":7}`))
	socket.want(t, `"code":403`)
	client.Receive([]byte(`{"janus":"ping","transaction":"p"}`))
	socket.want(t, `"pong"`)
}
