// Package jwt reads JSON Web Tokens that say who may do what (RFC 7519). What their claims mean is ADR 22.
package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/cardea-rtc/cardea/proto/reread"
)

const (
	// mostBytes bounds a token. It comes with each request.
	mostBytes = 8 << 10
	// leastSecret is how many bytes a secret has at least: as many as the hash (RFC 7518, section 3.2).
	leastSecret = 32
)

// ErrRefused is what every token fails with that does not hold. What is wrong with it, which the error says as well, is for the
// log and not for who sent it; it has nothing of the token.
var ErrRefused = errors.New("token refused")

// Options say which tokens hold.
type Options struct {
	SecretFile string        // with the secret of HS256, less the space around it; empty for none
	KeysFile   string        // a JWK Set (RFC 7517) of public keys, for RS256 and ES256; empty for none
	Issuer     string        // that iss must name; empty for any
	Audience   string        // that aud must name; empty for any
	Leeway     time.Duration // by which clocks may differ
}

// Verifier tells which tokens hold.
type Verifier struct {
	opt        Options
	algorithms []jose.SignatureAlgorithm       // that there are keys for: no other is looked at, and none is not one
	secret     *reread.File[[]byte]            // nil for none
	keys       *reread.File[[]jose.JSONWebKey] // nil for none
}

// New reads the keys. It fails if there are none, or they are too weak; later, if a file has changed and is broken, its last sound
// keys stay in use and log is told.
func New(opt Options, log *slog.Logger) (*Verifier, error) {
	v := &Verifier{opt: opt}
	if opt.SecretFile != "" {
		var err error
		if v.secret, err = reread.Open(opt.SecretFile, parseSecret, log); err != nil {
			return nil, fmt.Errorf("secret of %w", err)
		}
		v.algorithms = append(v.algorithms, jose.HS256)
	}
	if opt.KeysFile != "" {
		var err error
		if v.keys, err = reread.Open(opt.KeysFile, parseKeys, log); err != nil {
			return nil, fmt.Errorf("keys of %w", err)
		}
		v.algorithms = append(v.algorithms, jose.RS256, jose.ES256)
	}
	if len(v.algorithms) == 0 {
		return nil, errors.New("there is neither a secret nor a file of keys")
	}
	return v, nil
}

func parseSecret(b []byte) ([]byte, error) {
	b = bytes.TrimSpace(b)
	if len(b) < leastSecret {
		return nil, fmt.Errorf("a secret for HS256 has %d bytes at least, this one has %d", leastSecret, len(b))
	}
	return b, nil
}

// Verify returns what a token is for. Its error is an ErrRefused.
func (v *Verifier) Verify(text string, now time.Time) (Claims, error) {
	if len(text) > mostBytes {
		return Claims{}, refused("%d bytes", len(text))
	}
	token, err := jwt.ParseSigned(text, v.algorithms)
	if err != nil {
		return Claims{}, refused("it cannot be read, or its algorithm is none of %v", v.algorithms)
	}
	var standard jwt.Claims
	var own ownClaims
	if !v.signed(token, &standard, &own) {
		return Claims{}, refused("no key fits")
	}
	expected := jwt.Expected{Issuer: v.opt.Issuer, Time: now}
	if v.opt.Audience != "" {
		expected.AnyAudience = jwt.Audience{v.opt.Audience}
	}
	if standard.Expiry == nil {
		return Claims{}, refused("exp is missing")
	}
	if err := standard.ValidateWithLeeway(expected, v.opt.Leeway); err != nil {
		return Claims{}, refused("%s", strings.TrimPrefix(err.Error(), "go-jose/go-jose/jwt: "))
	}
	return own.read(standard.Subject)
}

// signed tells whether a key of ours has signed the token, and reads it then. The algorithm that it names only chooses among
// keys of that algorithm: a public key is never taken for a secret, nor the reverse.
func (v *Verifier) signed(token *jwt.JSONWebToken, into ...any) bool {
	header := token.Headers[0] // a compact token has one
	if header.Algorithm == string(jose.HS256) {
		return token.Claims(v.secret.Current(), into...) == nil
	}
	for _, key := range v.keys.Current() {
		if header.KeyID != "" && key.KeyID != "" && header.KeyID != key.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		switch key.Key.(type) {
		case *rsa.PublicKey:
			if header.Algorithm != string(jose.RS256) {
				continue
			}
		case *ecdsa.PublicKey:
			if header.Algorithm != string(jose.ES256) {
				continue
			}
		}
		if token.Claims(key.Key, into...) == nil {
			return true
		}
	}
	return false
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}
