package signaling

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// put replaces a file by a rename, and returns its path.
func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused tells whether a request is answered by 403. Beyond the edge nobody answers here, which is another error.
func refused(t *testing.T, url, body string) bool {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Janus string
		Error struct{ Code int }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Janus == "" {
		t.Fatalf("%s: %+v, %v", body, answer, err)
	}
	return answer.Error.Code == 403
}

func TestChangedSecretsAreInForceWithTheNextRequest(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	signed := func(secret string) string {
		text := fmt.Sprintf("%d,janus,janus.plugin.videoroom", time.Now().Add(time.Hour).Unix())
		h := hmac.New(sha1.New, []byte(secret))
		h.Write([]byte(text))
		return text + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	for name, c := range map[string]struct {
		set     func(*Config, string)
		request func(secret string) string
		at      string
	}{
		"apisecret": {
			func(c *Config, path string) { c.APISecretFile = path },
			func(s string) string { return fmt.Sprintf(`{"janus":"create","transaction":"a","apisecret":%q}`, s) }, "http",
		},
		"token secret": {
			func(c *Config, path string) { c.TokenAuth, c.TokenSecretFile = true, path },
			func(s string) string {
				return fmt.Sprintf(`{"janus":"create","transaction":"a","token":%q}`, signed(s))
			}, "http",
		},
		"admin_secret": {
			func(c *Config, path string) { c.AdminSecretFile = path },
			func(s string) string {
				return fmt.Sprintf(`{"janus":"list_sessions","transaction":"a","admin_secret":%q}`, s)
			}, "admin-http",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.AnswerTimeout = 100 * time.Millisecond
			path := put(t, file(name), "one\n")
			c.set(&cfg, path)
			url := "http://" + run(t, cfg)[c.at].String() + map[string]string{"http": "/janus", "admin-http": "/admin"}[c.at]
			holds := func(when, good, bad string) {
				t.Helper()
				if refused(t, url, c.request(good)) || !refused(t, url, c.request(bad)) || !refused(t, url, c.request("")) {
					t.Errorf("%s it is not %q alone", when, good)
				}
			}
			holds("at first", "one", "two")
			put(t, path, "two\n")
			holds("after a change", "two", "one")
			put(t, path, "\n")
			holds("while the file is empty", "two", "one")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			holds("without the file", "two", "one")
		})
	}
}
