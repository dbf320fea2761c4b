//go:build e2e

package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// webToken makes a JWT by hand (RFC 7519, section 3.1), not by the library that reads it.
func webToken(secret, header, claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(header)) + "." + enc([]byte(claims))
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return text + "." + enc(h.Sum(nil))
}

// tokenBearer asks a server with a token, over WebSocket.
type tokenBearer struct {
	t     *testing.T
	conn  *janus.Conn
	token string
}

func (b *tokenBearer) ask(request janus.Object) janus.Message {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	if b.token != "" {
		request["token"] = b.token
	}
	m, err := b.conn.Request(ctx, request)
	if err != nil && m.Raw == nil {
		b.t.Fatal(err)
	}
	return m
}

// TestAJWTSaysWhoMayDoWhat: whether they are let in, what they may attach to, which rooms they may name, and what they may do there.
func TestAJWTSaysWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	const secret = "a secret of thirty-two bytes, or more"
	server := cluster.StartStandalone(t, "--token-auth", "--jwt-secret-file", cluster.SecretFile(t, secret), "--jwt-audience", "calls")
	soon, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	hs256 := `{"alg":"HS256","typ":"JWT"}`
	token := func(claims string) string {
		return webToken(secret, hs256, fmt.Sprintf(`{"exp":%d,"aud":"calls"%s}`, soon, claims))
	}
	bear := func(token string) *tokenBearer {
		conn, err := janus.Dial(t.Context(), server.URL, func(janus.Message) {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return &tokenBearer{t, conn, token}
	}
	none := webToken(secret, `{"alg":"none"}`, fmt.Sprintf(`{"exp":%d,"aud":"calls"}`, soon))
	for name, bad := range map[string]string{
		"no token": "", "none": none, "none, unsigned": none[:strings.LastIndexByte(none, '.')+1],
		"over":           webToken(secret, hs256, fmt.Sprintf(`{"exp":%d,"aud":"calls"}`, past)),
		"for others":     webToken(secret, hs256, fmt.Sprintf(`{"exp":%d,"aud":"mail"}`, soon)),
		"another secret": webToken("x"+secret, hs256, fmt.Sprintf(`{"exp":%d,"aud":"calls"}`, soon)),
	} {
		if m := bear(bad).ask(janus.Object{"janus": "create"}); !strings.Contains(string(m.Raw), `"code":403`) {
			t.Errorf("%s: %s", name, m.Raw)
		}
	}

	for _, c := range []struct{ claims, plugin, body, want string }{
		{`,"plugins":["janus.plugin.echotest"]`, "janus.plugin.echotest", `{"audio":true}`, `"result":"ok"`},
		{`,"plugins":["janus.plugin.echotest"]`, "janus.plugin.videoroom", "", `"code":405`},
		{`,"role":"publisher","room":1234`, "janus.plugin.echotest", "", `"code":405`},
		{`,"role":"publisher","room":1234`, "janus.plugin.videoroom", `{"request":"join","ptype":"publisher","room":1234}`, `"videoroom":"joined"`},
		{`,"role":"publisher","room":1234`, "janus.plugin.videoroom", `{"request":"join","ptype":"publisher","room":7}`, `"error_code":433`},
		{`,"role":"publisher","room":1234`, "janus.plugin.videoroom", `{"request":"kick","room":1234,"id":1}`, `"error_code":433`},
		{`,"role":"moderator","room":1234`, "janus.plugin.videoroom", `{"request":"kick","room":1234,"id":1}`, `"error_code":428`},
		{`,"role":"moderator"`, "janus.plugin.videoroom", `{"request":"create","room":8}`, `"error_code":433`},
		{`,"role":"admin"`, "janus.plugin.videoroom", `{"request":"create","room":8}`, `"videoroom":"created"`},
		{`,"role":"subscriber"`, "janus.plugin.videoroom", `{"request":"join","ptype":"publisher","room":8}`, `"videoroom":"joined"`},
		{`,"role":"subscriber"`, "janus.plugin.videoroom", `{"request":"publish"}`, `"error_code":433`},
	} {
		b := bear(token(c.claims))
		session := b.ask(janus.Object{"janus": "create"}).Data.ID
		m := b.ask(janus.Object{"janus": "attach", "session_id": session, "plugin": c.plugin})
		if c.body != "" {
			m = b.ask(janus.Object{"janus": "message", "session_id": session, "handle_id": m.Data.ID, "body": json.RawMessage(c.body)})
		}
		if !strings.Contains(strings.ReplaceAll(string(m.Raw), " ", ""), c.want) {
			t.Errorf("%s: %s %s: %s, want %s", c.claims, c.plugin, c.body, m.Raw, c.want)
		}
	}
	for query, want := range map[string]int{"": http.StatusForbidden, "?token=" + none: http.StatusForbidden, "?token=" + token(""): http.StatusNotFound} {
		resp, err := http.Get(server.HTTP + "/77" + query)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("a poll with %.20s…: %s", query, resp.Status)
		}
	}
}
