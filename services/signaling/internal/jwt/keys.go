package jwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	// mostKeys bounds how many are tried for a token that does not name its own.
	mostKeys = 32
	leastRSA = 2048 // bits (RFC 7518, section 3.3)
)

// parseKeys reads a JWK Set. Keys of other kinds, and for other uses, are left out, as RFC 7517 has it; a secret is an error, since
// the file is public, and so is a key that is too weak.
func parseKeys(b []byte) ([]jose.JSONWebKey, error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, errors.New("no JWK Set")
	}
	var keys []jose.JSONWebKey
	for i, raw := range set.Keys {
		var kind struct{ Kty, Use, Alg, Crv string }
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("key %d is no JWK", i)
		}
		switch {
		case kind.Kty == "oct":
			return nil, fmt.Errorf("key %d is a secret: that of HS256 has a file of its own", i)
		case kind.Use != "" && kind.Use != "sig", kind.Kty != "RSA" && kind.Kty != "EC", kind.Kty == "EC" && kind.Crv != "P-256":
			continue
		case kind.Alg != "" && kind.Alg != string(jose.RS256) && kind.Alg != string(jose.ES256):
			continue
		}
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err != nil || !key.Valid() {
			return nil, fmt.Errorf("key %d is not sound", i)
		}
		key = key.Public()
		switch public := key.Key.(type) {
		case *rsa.PublicKey:
			if public.N.BitLen() < leastRSA {
				return nil, fmt.Errorf("key %d has %d bits, RS256 asks for %d", i, public.N.BitLen(), leastRSA)
			}
		case *ecdsa.PublicKey:
			if public.Curve != elliptic.P256() {
				return nil, fmt.Errorf("key %d is not of P-256", i)
			}
		default:
			return nil, fmt.Errorf("key %d is of another kind than it says", i)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > mostKeys {
		return nil, fmt.Errorf("%d keys for RS256 and ES256, there must be 1 to %d", len(keys), mostKeys)
	}
	return keys, nil
}
