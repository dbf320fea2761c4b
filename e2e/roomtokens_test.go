//go:build e2e

package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/janus"
)

// signedBy makes a signed token of a text (spec/janus-api.md, 2.7).
func signedBy(secret, text string) string {
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(text))
	return text + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// bearer is who has the right to speak to a server by its apisecret, if any.
type bearer struct {
	t       *testing.T
	conn    *janus.Conn
	session uint64
}

func bear(t *testing.T, url string) *bearer {
	t.Helper()
	conn, err := janus.Dial(t.Context(), url, func(janus.Message) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	b := &bearer{t: t, conn: conn}
	b.session = b.ask(janus.Object{"janus": "create"}).Data.ID
	return b
}

func (b *bearer) ask(request janus.Object) janus.Message {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	request["apisecret"] = "s3"
	if b.session != 0 {
		request["session_id"] = b.session
	}
	m, err := b.conn.Request(ctx, request)
	if err != nil && m.Raw == nil {
		b.t.Fatal(err)
	}
	return m
}

// say sends a body on a new handle, and returns what VideoRoom answers but for ids that it has drawn.
func (b *bearer) say(body string) string {
	b.t.Helper()
	handle := b.ask(janus.Object{"janus": "attach", "plugin": "janus.plugin.videoroom"}).Data.ID
	m := b.ask(janus.Object{"janus": "message", "handle_id": handle, "body": json.RawMessage(body)})
	var data map[string]any
	if err := json.Unmarshal(m.Plugin.Data, &data); err != nil {
		b.t.Fatalf("%s: %s", body, m.Raw)
	}
	delete(data, "private_id")
	delete(data, "id")
	delete(data, "publishers")
	text, err := json.Marshal(data)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// TestSameRoomTokensAsJanus compares who is let into rooms with signed_tokens, where tokens are signed and where they are not.
func TestSameRoomTokensAsJanus(t *testing.T) {
	t.Parallel()
	soon, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	const realm = "janus.plugin.videoroom"
	tokens := []string{
		`5`, `null`, `""`, `"x"`,
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,%s,room=9600", soon, realm))),
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,%s,room=1,room=9600", soon, realm))),
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,%s,room=96001", soon, realm))),
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,%s,ROOM=9600", soon, realm))),
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,%s", soon, realm))),
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,janus,room=9600", soon))),
		fmt.Sprintf("%q", signedBy("k", fmt.Sprintf("%d,%s,room=9600", past, realm))),
		fmt.Sprintf("%q", signedBy("other", fmt.Sprintf("%d,%s,room=9600", soon, realm))),
	}
	bodies := []string{
		`{"request":"create","room":9600,"signed_tokens":true,"pin":"p","publishers":99}`,
		`{"request":"create","room":9601,"signed_tokens":true,"allowed":["a"],"publishers":99}`,
		`{"request":"edit","room":9600}`,
	}
	for _, token := range append(tokens, "") {
		if token != "" {
			token = `,"token":` + token
		}
		for _, room := range []string{`9600,"pin":"p"`, `9600`, `9600,"pin":"x"`, `9601`} {
			bodies = append(bodies,
				`{"request":"join","ptype":"publisher","room":`+room+token+`}`,
				`{"request":"join","ptype":"subscriber","feed":5,"room":`+room+token+`}`)
		}
	}
	for name, signed := range map[string]bool{"signed": true, "stored": false} {
		t.Run(name, func(t *testing.T) {
			general := []string{`api_secret = "s3"; token_auth = true;`}
			flags := []string{"--api-secret-file", cluster.SecretFile(t, "s3"), "--token-auth"}
			if signed {
				general = append(general, `token_auth_secret = "k";`)
				flags = append(flags, "--token-secret-file", cluster.SecretFile(t, "k"))
			}
			oracle, cardea := bear(t, cluster.StartWholeJanus(t, general...).WS), bear(t, cluster.StartStandalone(t, flags...).URL)
			in := 0
			for _, body := range bodies {
				want, got := oracle.say(body), cardea.say(body)
				var data map[string]any
				if json.Unmarshal([]byte(want), &data) == nil && data["videoroom"] == "joined" {
					in++
				}
				if want != got {
					t.Errorf("%s:\n Cardea %s\n Janus  %s", body, got, want)
				}
			}
			if in == 0 {
				t.Error("nobody is let in")
			}
		})
	}
}
