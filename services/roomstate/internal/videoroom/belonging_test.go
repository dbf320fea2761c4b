package videoroom

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

func signedToken(secret, text string) string {
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(text))
	return text + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func TestSignedTokensAreForOneRoomUntilTheyExpire(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	good := "1700000000,janus.plugin.videoroom,room=7,room=8"
	for _, c := range []struct {
		name, token string
		want        bool
	}{
		{"sound", signedToken("key", good), true},
		{"expired", signedToken("key", strings.Replace(good, "1700000000", "1699999999", 1)), false},
		{"other room", signedToken("key", "1700000000,janus.plugin.videoroom,room=77"), false},
		{"no room", signedToken("key", "1700000000,janus.plugin.videoroom"), false},
		{"other realm", signedToken("key", "1700000000,janus,room=7"), false},
		{"other secret", signedToken("other", good), false},
		{"changed", "1700000001" + signedToken("key", good)[10:], false},
		{"no time", signedToken("key", "soon,janus.plugin.videoroom,room=7"), false},
		{"no signature", good, false},
		{"odd signature", good + ":!", false},
		{"empty", "", false},
	} {
		if got := signedFor(c.token, "key", "7", now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func said(s *sim) string {
	all := strings.Join(s.log, "\n")
	s.log = nil
	return all
}

func TestRoomsAskForSignedTokensWhereThereIsASecret(t *testing.T) {
	join := `{"request":"join","room":7,"ptype":"publisher","token":"%s"}`
	for _, secret := range []string{"", "key"} {
		var cfg Config
		if secret != "" {
			cfg.TokenSecret = plugin.Fixed(secret)
		}
		s := newSim(cfg)
		s.send("al", `{"request":"create","room":7,"signed_tokens":true}`)
		s.log = nil
		s.send("al", fmt.Sprintf(join, "x"))
		if got := said(s); strings.Contains(got, "Unauthorized (wrong token)") != (secret != "") {
			t.Errorf("secret %q: %s", secret, got)
		}
		if secret == "" {
			continue
		}
		s.send("bo", fmt.Sprintf(join, signedToken(secret, "9999999999,janus.plugin.videoroom,room=7")))
		if got := said(s); !strings.Contains(got, `"joined"`) {
			t.Errorf("with a token: %s", got)
		}
	}
}

func TestTheTokenSecretIsTheOneThatIsInForceNow(t *testing.T) {
	secret := "old"
	s := newSim(Config{TokenSecret: func() string { return secret }})
	s.send("al", `{"request":"create","room":7,"signed_tokens":true}`)
	secret = "new"
	for i, c := range []struct {
		secret string
		holds  bool
	}{{"old", false}, {"new", true}} {
		s.log = nil
		s.send(fmt.Sprint("bo", i), fmt.Sprintf(`{"request":"join","room":7,"ptype":"publisher","token":"%s"}`, signedToken(c.secret, "9999999999,janus.plugin.videoroom,room=7")))
		if got := said(s); strings.Contains(got, `"joined"`) != c.holds {
			t.Errorf("%s: %s", c.secret, got)
		}
	}
}

func TestAReplicaWithoutTheSecretLetsNobodyIn(t *testing.T) {
	s := newSim(Config{TokenSecret: plugin.Fixed("key")})
	s.send("al", `{"request":"create","room":7,"signed_tokens":true}`)
	for _, r := range s.rooms {
		r.(*Room).cfg = &Config{}
	}
	s.log = nil
	s.send("bo", fmt.Sprintf(`{"request":"join","room":7,"ptype":"publisher","token":"%s"}`, signedToken("key", "9999999999,janus.plugin.videoroom,room=7")))
	if got := said(s); !strings.Contains(got, "Unauthorized (wrong token)") {
		t.Error(got)
	}
}

func TestListsOfTokensAreBounded(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":7}`)
	long := strings.Repeat("x", request.MaxTokenBytes+1)
	for _, request := range []string{
		`{"request":"allowed","room":7,"action":"add","allowed":["` + long + `"]}`,
		`{"request":"create","room":8,"allowed":["` + long + `"]}`,
	} {
		s.log = nil
		s.send("al", request)
		if got := said(s); !strings.Contains(got, "Too many tokens") {
			t.Errorf("%.60s: %.200s", request, got)
		}
	}
	// Rooms may be older than the bound: tokens can be taken from them.
	s.rooms["videoroom/7"].(*Room).attributes.Allowed = []string{long, "a", "b"}
	s.log = nil
	s.send("al", `{"request":"allowed","room":7,"action":"remove","allowed":["a"]}`)
	if got := said(s); strings.Contains(got, "Too many tokens") || !strings.Contains(got, `"b"`) {
		t.Errorf("%.60s … %s", got, got[len(got)-60:])
	}
}

// TestTheMostTokensOfARoomAreFarLessThanAMessage: as many rooms as there may be by default have to fit into Redis with theirs.
func TestTheMostTokensOfARoomAreFarLessThanAMessage(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":7,"allowed":["`+strings.Repeat("x", 100_000)+`"]}`)
	if got := said(s); !strings.Contains(got, `"error_code":499,"error":"Too many tokens (at most 10000, of 16384 bytes together)"`) {
		t.Errorf("%.300s", got)
	}
	s.send("al", `{"request":"create","room":7,"allowed":["`+strings.Repeat("x", 16<<10)+`"]}`)
	if got := said(s); !strings.Contains(got, `"created"`) {
		t.Errorf("%.300s", got)
	}
}

func TestWhoIsKickedLosesItsSubscriptionsToo(t *testing.T) {
	s := newSim(Config{})
	s.send("al", `{"request":"create","room":5,"require_pvtid":true}`)
	for i, name := range []string{"al", "bo"} {
		s.send(name, fmt.Sprintf(`{"request":"join","room":5,"ptype":"publisher","id":%d}`, i+1))
	}
	s.send("al", `{"request":"publish"}`, "offer", "audio:opus")
	s.up("al")
	room := s.rooms["videoroom/5"].(*Room)
	private := room.feed("2").PrivateID
	s.send("watcher", fmt.Sprintf(`{"request":"join","room":5,"ptype":"subscriber","private_id":%d,"streams":[{"feed":1}]}`, private))
	if got := said(s); !strings.Contains(got, `"attached"`) {
		t.Fatalf("not attached: %s", got)
	}
	s.send("al", `{"request":"kick","room":5,"id":2}`)
	s.log = nil
	s.send("watcher", `{"request":"configure"}`)
	if got := said(s); !strings.Contains(got, "Unauthorized, you have been kicked") {
		t.Errorf("a subscription of the kicked one may still be configured: %s", got)
	}
	room = s.rooms["videoroom/5"].(*Room)
	for _, w := range room.watchers() {
		if !w.Kicked {
			t.Error("the subscription is still served")
		}
	}
}

func TestNoRoomIsPermanentWhereTheStoreForgets(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		s := newSim(Config{Forgets: forgets})
		s.send("al", `{"request":"create","room":7,"permanent":true}`)
		if got, want := said(s), fmt.Sprintf(`"permanent":%v`, !forgets); !strings.Contains(got, want) {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestStaticRoomsAreCheckedAsCreateDoes(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[string]any
		strings  bool
		want     string // room's name, or a part of the error
	}{
		{"sound", map[string]any{"room": 7, "publishers": 6, "allowed": []string{"a"}, "opus_fec": false}, false, "videoroom/7"},
		{"by a string", map[string]any{"room": "green"}, true, "videoroom/green"},
		{"no room", map[string]any{"publishers": 6}, false, "room should be a positive integer"},
		{"wrong kind of id", map[string]any{"room": "green"}, false, "room should be a positive integer"},
		{"unknown key", map[string]any{"room": 7, "bitrates": 1}, false, `unknown key "bitrates"`},
		{"wrong type", map[string]any{"room": 7, "publishers": "six"}, false, "publishers should be a positive integer"},
		{"signed tokens without a secret", map[string]any{"room": 7, "signed_tokens": true}, false, "needs a token secret"},
		{"unknown codec", map[string]any{"room": 7, "videocodec": "vp7"}, false, "videocodec can only be"},
	} {
		_, name, err := New(Config{StringIDs: c.strings}).StaticRoom(c.settings)
		if err != nil {
			name = err.Error()
		}
		if !strings.Contains(name, c.want) {
			t.Errorf("%s: %s", c.name, name)
		}
	}
}
