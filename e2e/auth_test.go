//go:build e2e

package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
)

// side is one server, with the Admin API.
type side struct{ api, admin string }

// bothSay sends a request to both and compares what they say.
func bothSay(t *testing.T, sides []side, path, body string) {
	t.Helper()
	var said []string
	for _, s := range sides {
		answer := post(t, s.api+path, body)
		delete(answer, "data") // ids
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, string(text))
	}
	if said[0] != said[1] {
		t.Errorf("%s %s:\n Cardea %s\n Janus  %s", path, body, said[1], said[0])
	}
}

// rights plays all combinations of secrets and tokens.
func rights(t *testing.T, sides []side, tokens ...string) {
	t.Helper()
	for session, carry := range rightsOf(tokens) {
		carry = fmt.Sprintf(`"transaction":"a"%s`, carry)
		bothSay(t, sides, "", fmt.Sprintf(`{"janus":"create","id":%d,%s}`, session+1, carry))
		bothSay(t, sides, "", `{"janus":"ping",`+carry+`}`)
		// A session that anybody may have made.
		for _, plugin := range []string{"janus.plugin.echotest", "janus.plugin.videoroom", "none"} {
			bothSay(t, sides, "/77", fmt.Sprintf(`{"janus":"attach","plugin":%q,%s}`, plugin, carry))
		}
		bothSay(t, sides, "/78", `{"janus":"keepalive",`+carry+`}`)
	}
}

func rightsOf(tokens []string) []string {
	var all []string
	for _, secret := range []string{"", `,"apisecret":"s3"`, `,"apisecret":"x"`, `,"apisecret":5`} {
		for _, token := range append(tokens, "", "x") {
			if token != "" {
				token = fmt.Sprintf(`,"token":%q`, token)
			}
			all = append(all, secret+token)
		}
	}
	return all
}

func TestSameRightsAsJanusBySecretAndStoredToken(t *testing.T) {
	t.Parallel()
	oracle := cluster.StartWholeJanus(t, `api_secret = "s3"; token_auth = true;`)
	cardea := cluster.StartStandalone(t, "--api-secret-file", cluster.SecretFile(t, "s3"), "--token-auth")
	sides := []side{{oracle.HTTP, oracle.Admin}, {cardea.HTTP, cardea.Admin}}
	for _, s := range sides {
		administer(t, s.admin, "add_token", `,"token":"echo","plugins":["janus.plugin.echotest"]`)
		post(t, s.api, `{"janus":"create","id":77,"transaction":"a","apisecret":"s3"}`)
	}
	rights(t, sides, "echo")
	for _, step := range []struct{ request, more string }{
		{"add_token", `,"token":"t","plugins":["janus.plugin.echotest","none",5]`},
		{"add_token", `,"token":5`},
		{"add_token", `,"token":"t","plugins":5`},
		{"allow_token", `,"token":"t","plugins":["janus.plugin.videoroom"]`},
		{"allow_token", `,"token":"t","plugins":[]`},
		{"allow_token", `,"token":"t","plugins":"a"`},
		{"disallow_token", `,"token":"t","plugins":5`},
		{"allow_token", `,"token":"t"`},
		{"allow_token", `,"token":"t","plugins":["none"]`},
		{"allow_token", `,"token":"unknown","plugins":["janus.plugin.videoroom"]`},
		{"disallow_token", `,"token":"t","plugins":["janus.plugin.videoroom"]`},
		{"disallow_token", `,"token":"unknown","plugins":["janus.plugin.videoroom"]`},
		{"remove_token", `,"token":"echo"`},
		{"list_tokens", ""},
		{"remove_token", `,"token":"unknown"`},
		{"remove_token", ""},
	} {
		var said []string
		for _, s := range sides {
			text, err := json.Marshal(administer(t, s.admin, step.request, step.more))
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, string(text))
		}
		if said[0] != said[1] {
			t.Errorf("%s %s:\n Cardea %s\n Janus  %s", step.request, step.more, said[1], said[0])
		}
	}
	bothSay(t, sides, "/77", `{"janus":"keepalive","transaction":"a","token":"echo"}`)
	for _, query := range []string{"", "?apisecret=x", "?token=x"} {
		for _, s := range sides {
			resp, err := http.Get(s.api + "/77" + query)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s: a poll without a right: %s", s.api, resp.Status)
			}
		}
	}
	for _, s := range sides {
		administer(t, s.admin, "accept_new_sessions", `,"accept":false`)
	}
	bothSay(t, sides, "", `{"janus":"create","transaction":"a","apisecret":"s3"}`)
}

func TestSameRightsAsJanusBySignedToken(t *testing.T) {
	t.Parallel()
	oracle := cluster.StartWholeJanus(t, `api_secret = "s3"; token_auth = true; token_auth_secret = "k";`)
	cardea := cluster.StartStandalone(t, "--api-secret-file", cluster.SecretFile(t, "s3"), "--token-auth",
		"--token-secret-file", cluster.SecretFile(t, "k"))
	sides := []side{{oracle.HTTP, oracle.Admin}, {cardea.HTTP, cardea.Admin}}
	for _, s := range sides {
		post(t, s.api, `{"janus":"create","id":77,"transaction":"a","apisecret":"s3"}`)
	}
	sign := func(text string) string {
		h := hmac.New(sha1.New, []byte("k"))
		h.Write([]byte(text))
		return text + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	soon, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	rights(t, sides,
		sign(fmt.Sprintf("%d,janus,janus.plugin.echotest", soon)),
		sign(fmt.Sprintf("%d,janus,janus.plugin.echotest,janus.plugin.videoroom", soon)),
		sign(fmt.Sprintf("%d,janus", soon)),
		sign(fmt.Sprintf("%d,janus,janus.plugin.echotest", past)),
		sign(fmt.Sprintf("%d,other,janus.plugin.echotest", soon)),
		fmt.Sprintf("%d,janus,janus.plugin.echotest:AAAA", soon))
	for _, s := range sides {
		if answer := administer(t, s.admin, "list_tokens", ""); fmt.Sprint(answer["error"]) != "map[code:490 reason:Stored-Token based authentication disabled]" {
			t.Errorf("list_tokens: %v", answer)
		}
	}
}
