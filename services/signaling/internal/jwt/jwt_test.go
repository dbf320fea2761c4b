package jwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

const secret = "0123456789abcdef0123456789abcdef"

var (
	quiet     = slog.New(slog.DiscardHandler)
	now       = time.Unix(1_000_000, 0)
	rsaKey, _ = rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _  = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _  = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
)

// sign writes a token with any header and claims; its signature is of the algorithm and key given.
func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, claims string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := o.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// by is by hand: HMAC with any key under any header.
func by(header, claims string, key []byte) string {
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(header)) + "." + enc([]byte(claims))
	h := hmac.New(sha256.New, key)
	h.Write([]byte(signed))
	return signed + "." + enc(h.Sum(nil))
}

func writeKeys(t testing.TB, path string, keys ...jose.JSONWebKey) string {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		path = filepath.Join(t.TempDir(), "jwks.json")
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeSecret(t testing.TB, path, secret string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "secret")
	}
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func verifier(t testing.TB, opt Options) *Verifier {
	t.Helper()
	v, err := New(opt, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func public() []jose.JSONWebKey {
	return []jose.JSONWebKey{{Key: rsaKey.Public(), KeyID: "r", Use: "sig"}, {Key: ecKey.Public(), KeyID: "e", Algorithm: "ES256"}}
}

const good = `{"exp":1000060,"sub":"ann"}`

func TestOnlyTokensThatOurKeysHaveSignedHold(t *testing.T) {
	keys := writeKeys(t, "", public()...)
	der, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(good)) + "."
	onlySecret, onlyKeys, both := Options{SecretFile: writeSecret(t, "", secret)}, Options{KeysFile: keys}, Options{SecretFile: writeSecret(t, "", secret), KeysFile: keys}
	weak := ecKey // of the right curve, under a name that is not its own
	for name, c := range map[string]struct {
		opt   Options
		token string
		holds bool
	}{
		"HS256":                              {onlySecret, sign(t, jose.HS256, []byte(secret), good), true},
		"HS256 with another secret":          {onlySecret, sign(t, jose.HS256, []byte(secret[1:]+"x"), good), false},
		"HS256, by hand":                     {both, by(`{"alg":"HS256","typ":"JWT"}`, good, []byte(secret)), true},
		"HS256 without a secret":             {onlyKeys, sign(t, jose.HS256, []byte(secret), good), false},
		"HS256 with the empty secret":        {onlyKeys, by(`{"alg":"HS256"}`, good, nil), false},
		"HS512":                              {both, sign(t, jose.HS512, []byte(secret+secret), good), false},
		"RS256":                              {onlyKeys, sign(t, jose.RS256, rsaKey, good), true},
		"RS256 where there is a secret only": {onlySecret, sign(t, jose.RS256, rsaKey, good), false},
		"RS512":                              {both, sign(t, jose.RS512, rsaKey, good), false},
		"PS256":                              {both, sign(t, jose.PS256, rsaKey, good), false},
		"ES256":                              {onlyKeys, sign(t, jose.ES256, jose.JSONWebKey{Key: ecKey, KeyID: "e"}, good), true},
		"ES256 under another's name":         {onlyKeys, sign(t, jose.ES256, jose.JSONWebKey{Key: weak, KeyID: "r"}, good), false},
		"ES256 under no name that there is":  {onlyKeys, sign(t, jose.ES256, jose.JSONWebKey{Key: ecKey, KeyID: "x"}, good), false},
		"ES256 of a stranger":                {onlyKeys, sign(t, jose.ES256, other, good), false},
		"ES256 with the key it brings":       {onlyKeys, embedded(t), false},
		"HS256 with the public key, PEM":     {both, by(`{"alg":"HS256"}`, good, publicPEM), false},
		"HS256 with the public key, DER":     {both, by(`{"alg":"HS256","kid":"r"}`, good, der), false},
		"HS256 that says RS256":              {both, by(`{"alg":"RS256"}`, good, []byte(secret)), false},
		"none":                               {both, none, false},
		"none, in other letters":             {both, strings.Replace(none, "bm9uZS", "Tm9OZS", 1), false},
		"none with a signature":              {both, by(`{"alg":"none"}`, good, []byte(secret)), false},
		"no algorithm":                       {both, by(`{}`, good, []byte(secret)), false},
		"an extension that must be known":    {both, by(`{"alg":"HS256","crit":["x"],"x":1}`, good, []byte(secret)), false},
		"nothing":                            {both, "", false},
		"JSON instead of compact":            {both, `{"payload":"e30","signatures":[]}`, false},
		"too long": {both, sign(t, jose.HS256, []byte(secret),
			`{"exp":1000060,"x":"`+strings.Repeat("x", mostBytes)+`"}`), false},
	} {
		_, err := verifier(t, c.opt).Verify(c.token, now)
		if (err == nil) != c.holds || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && len(c.token) > 20 && strings.Contains(err.Error(), c.token[:20]) {
			t.Errorf("%s: the error tells the token: %v", name, err)
		}
	}
}

// embedded is signed with a stranger's key, which its header has.
func embedded(t *testing.T) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: other}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Sign([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := o.CompactSerialize()
	return text
}

func TestTokensHoldForTheirTimeAndForUs(t *testing.T) {
	opt := Options{SecretFile: writeSecret(t, "", secret), Issuer: "app", Audience: "cardea", Leeway: 30 * time.Second}
	for claims, holds := range map[string]bool{
		`{"exp":1000001,"iss":"app","aud":"cardea"}`:                   true,
		`{"exp":1000001,"iss":"app","aud":["x","cardea"]}`:             true,
		`{"exp":999971,"iss":"app","aud":"cardea"}`:                    true,  // within the leeway
		`{"exp":999969,"iss":"app","aud":"cardea"}`:                    false, // over
		`{"iss":"app","aud":"cardea"}`:                                 false, // for ever
		`{"exp":"1000001","iss":"app","aud":"cardea"}`:                 false,
		`{"exp":1000100,"nbf":1000029,"iss":"app","aud":"cardea"}`:     true,
		`{"exp":1000100,"nbf":1000031,"iss":"app","aud":"cardea"}`:     false, // not yet
		`{"exp":1000100,"iat":1000031,"iss":"app","aud":"cardea"}`:     false, // made in the future
		`{"exp":1000001,"iss":"other","aud":"cardea"}`:                 false,
		`{"exp":1000001,"aud":"cardea"}`:                               false,
		`{"exp":1000001,"iss":"app","aud":"other"}`:                    false,
		`{"exp":1000001,"iss":"app"}`:                                  false,
		`{"exp":1000001,"EXP":1,"iss":"app","aud":"cardea"}`:           true, // names have their case (RFC 7515, section 4)
		`[{"exp":1000001,"iss":"app","aud":"cardea"}]`:                 false,
		`{"exp":1000001,"iss":"app","aud":"cardea","role":"owner"}`:    false,
		`{"exp":1000001,"iss":"app","aud":"cardea","role":["admin"]}`:  false,
		`{"exp":1000001,"iss":"app","aud":"cardea","room":1.5}`:        false,
		`{"exp":1000001,"iss":"app","aud":"cardea","room":{"id":1}}`:   false,
		`{"exp":1000001,"iss":"app","aud":"cardea","room":[1,true]}`:   false,
		`{"exp":1000001,"iss":"app","aud":"cardea","plugins":"x"}`:     false,
		`{"exp":1000001,"iss":"app","aud":"cardea","plugins":[1]}`:     false,
		`{"exp":1000001,"iss":"app","aud":"cardea","role":null}`:       false,
		`{"exp":1000001,"iss":"app","aud":"cardea","plugins":null}`:    false,
		`{"exp":1000001,"iss":"app","aud":"cardea","room":null}`:       false,
		`{"exp":1000001,"iss":"app","aud":"cardea","role":"admin"}`:    true,
		`{"exp":1000001,"iss":"app","aud":"cardea","room":[1,"hall"]}`: true,
	} {
		if _, err := verifier(t, opt).Verify(sign(t, jose.HS256, []byte(secret), claims), now); (err == nil) != holds {
			t.Errorf("%s: %v", claims, err)
		}
	}
}

func TestWhatClaimsSay(t *testing.T) {
	v := verifier(t, Options{SecretFile: writeSecret(t, "", secret)})
	videoroom := []string{videoRoom}
	for claims, want := range map[string]Claims{
		`"sub":"ann"`:                  {Subject: "ann", AnyPlugin: true, AnyRoom: true},
		`"plugins":["a","b"]`:          {Plugins: []string{"a", "b"}, AnyRoom: true},
		`"plugins":[]`:                 {Plugins: []string{}, AnyRoom: true},
		`"room":1234`:                  {Plugins: videoroom, Rooms: []string{"1234"}},
		`"room":"hall"`:                {Plugins: videoroom, Rooms: []string{"hall"}},
		`"room":[1,"hall"]`:            {Plugins: videoroom, Rooms: []string{"1", "hall"}},
		`"room":[]`:                    {Plugins: videoroom},
		`"role":"publisher"`:           {Plugins: videoroom, AnyRoom: true, Role: RolePublisher},
		`"room":1,"plugins":["a"]`:     {Plugins: []string{"a"}, Rooms: []string{"1"}},
		`"role":"admin","plugins":[]`:  {Plugins: []string{}, AnyRoom: true, Role: RoleAdmin},
		`"room":9007199254740991`:      {Plugins: videoroom, Rooms: []string{"9007199254740991"}},
		`"Room":1,"ROLE":"subscriber"`: {AnyPlugin: true, AnyRoom: true},
	} {
		got, err := v.Verify(sign(t, jose.HS256, []byte(secret), `{"exp":1000060,`+claims+`}`), now)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", claims, err, diff)
		}
	}
}

func TestKeysAreReadAgainWhenTheirFileChanges(t *testing.T) {
	keys := writeKeys(t, "", public()...)
	v := verifier(t, Options{KeysFile: keys})
	ours, theirs := sign(t, jose.ES256, ecKey, good), sign(t, jose.ES256, other, good)
	holds := func(token string) bool { _, err := v.Verify(token, now); return err == nil }
	if !holds(ours) || holds(theirs) {
		t.Fatal("at first")
	}
	if err := os.WriteFile(keys, []byte(`{"keys":[{"kt`), 0o600); err != nil {
		t.Fatal(err)
	}
	if !holds(ours) || holds(theirs) {
		t.Error("a broken file changes something")
	}
	writeKeys(t, keys, jose.JSONWebKey{Key: other.Public()})
	if holds(ours) || !holds(theirs) {
		t.Error("the new file does not count")
	}
	if err := os.Remove(keys); err != nil {
		t.Fatal(err)
	}
	if holds(ours) || !holds(theirs) {
		t.Error("a file that is gone changes something")
	}
}

func TestASecretIsReadAgainWhenItsFileChanges(t *testing.T) {
	const next = "this is the secret that comes after it"
	path := writeSecret(t, "", secret)
	v := verifier(t, Options{SecretFile: path})
	ours, theirs := sign(t, jose.HS256, []byte(secret), good), sign(t, jose.HS256, []byte(next), good)
	holds := func(token string) bool { _, err := v.Verify(token, now); return err == nil }
	if !holds(ours) || holds(theirs) {
		t.Fatal("at first")
	}
	writeSecret(t, path, next[:5])
	if !holds(ours) || holds(theirs) {
		t.Error("a secret that is too short changes something")
	}
	writeSecret(t, path, next)
	if holds(ours) || !holds(theirs) {
		t.Error("the new secret does not count")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if holds(ours) || !holds(theirs) {
		t.Error("a file that is gone changes something")
	}
}

func TestKeysThatAreNoneOrTooWeakAreNotTaken(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // to be refused
	if err != nil {
		t.Skip("this Go makes no keys so small: ", err)
	}
	oct, _ := json.Marshal(jose.JSONWebKey{Key: []byte(secret)})
	weak, _ := json.Marshal(jose.JSONWebKey{Key: small.Public()})
	whole, _ := json.Marshal(jose.JSONWebKey{Key: ecKey})
	for keys, taken := range map[string]bool{
		string(whole):                          true, // with its private part, which is of no use here
		string(oct):                            false,
		string(weak):                           false,
		"":                                     false,
		`5`:                                    false,
		`{"kty":"EC","crv":"P-256","x":"AA"}`:  false,
		`{"kty":"OKP","crv":"Ed25519"}`:        false, // none is left
		`{"kty":"OKP"},` + string(whole):       true,
		strings.Repeat(string(whole)+",", 40):  false,
		`{"kty":"EC","use":"enc"},` + `{"x":1`: false,
	} {
		if _, err := parseKeys(fmt.Appendf(nil, `{"keys":[%s]}`, strings.TrimSuffix(keys, ","))); (err == nil) != taken {
			t.Errorf("%.60s: %v", keys, err)
		} else if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
	for name, opt := range map[string]Options{"nothing": {}, "a short secret": {SecretFile: writeSecret(t, "", secret[1:])}, "no file": {KeysFile: "/nowhere"}} {
		if _, err := New(opt, quiet); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	keys := writeKeys(f, "", public()...)
	v, err := New(Options{SecretFile: writeSecret(f, "", secret), KeysFile: keys}, quiet)
	if err != nil {
		f.Fatal(err)
	}
	seeds := map[string]bool{}
	for _, token := range []string{
		sign(f, jose.HS256, []byte(secret), `{"exp":1000060,"room":[1],"role":"publisher","plugins":["a"]}`),
		sign(f, jose.RS256, rsaKey, good), sign(f, jose.ES256, ecKey, good),
	} {
		seeds[token[:strings.LastIndexByte(token, '.')]] = true
		f.Add(token)
	}
	f.Add(by(`{"alg":"none"}`, good, nil))
	f.Fuzz(func(t *testing.T, token string) {
		// The end of a signature can be written in several ways.
		if _, err := v.Verify(token, now); err == nil && !seeds[token[:strings.LastIndexByte(token, '.')]] {
			t.Errorf("%q holds", token)
		} else if err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", token, err)
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add(`1`, `"a"`, `["x"]`)
	f.Add(`["a",1]`, `"admin"`, `null`)
	f.Fuzz(func(t *testing.T, room, role, plugins string) {
		own := ownClaims{}
		for to, text := range map[*json.RawMessage]string{&own.Room: room, &own.Role: role, &own.Plugins: plugins} {
			if json.Valid([]byte(text)) {
				*to = json.RawMessage(strings.TrimSpace(text))
			}
		}
		c, err := own.read("")
		if err == nil && (own.Room != nil) == c.AnyRoom {
			t.Errorf("room %s is any", room)
		}
	})
}
