// Package token checks signed tokens, which say themselves until when and for what they are good (spec/janus-api.md,
// section 2.7).
package token

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Token is one whose signature, time and realm hold.
type Token struct{ descriptors []string }

// Has tells whether the token is for what descriptor names: at the core, a plugin.
func (t Token) Has(descriptor string) bool { return slices.Contains(t.descriptors, descriptor) }

// Descriptors are all that the token is for.
func (t Token) Descriptors() []string { return t.descriptors }

// Check reads "<expiry>,<realm>[,<descriptor>...]:<base64 of HMAC-SHA1>". ok is false if anything of it does not hold:
// the signature under secret, the time, in seconds since 1970, or the realm.
func Check(text, secret, realm string, now time.Time) (t Token, ok bool) {
	signed, signature, found := strings.Cut(text, ":")
	if !found {
		return Token{}, false
	}
	parts := strings.Split(signed, ",")
	if len(parts) < 2 || parts[1] != realm {
		return Token{}, false
	}
	expiry, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || expiry < 0 || now.Unix() > expiry {
		return Token{}, false
	}
	// The text rather than what it stands for, of which base64 has several: decoders pass line ends over.
	if !hmac.Equal([]byte(signature), []byte(sign(signed, secret))) {
		return Token{}, false
	}
	return Token{parts[2:]}, true
}

func sign(text, secret string) string {
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
