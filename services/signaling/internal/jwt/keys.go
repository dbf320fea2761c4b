package jwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	mostFile = 1 << 20 // bytes
	// mostKeys bounds how many are tried for a token that does not name its own.
	mostKeys = 32
	leastRSA = 2048 // bits (RFC 7518, section 3.3)
)

// keyFile is a JWK Set in a file, read again when that has changed.
type keyFile struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex // guards what follows
	changed time.Time  // when the file had, that was read last
	size    int64
	keys    []jose.JSONWebKey
}

func openKeys(path string, log *slog.Logger) (*keyFile, error) {
	k := &keyFile{path: path, log: log}
	k.changed, k.size = k.stamp()
	var err error
	k.keys, err = readKeys(path)
	return k, err
}

func (k *keyFile) stamp() (time.Time, int64) {
	info, err := os.Stat(k.path)
	if err != nil {
		return time.Time{}, 0
	}
	return info.ModTime(), info.Size()
}

// current returns the public keys that the file has now.
func (k *keyFile) current() []jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, size := k.stamp()
	if changed.Equal(k.changed) && size == k.size {
		return k.keys
	}
	k.changed, k.size = changed, size
	keys, err := readKeys(k.path)
	if err != nil { // as while it is being written
		k.log.Warn("changed keys of tokens are not used", "err", err)
		return k.keys
	}
	k.keys = keys
	k.log.Info("keys of tokens read again", "keys", len(keys))
	return keys
}

func readKeys(path string) ([]jose.JSONWebKey, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > mostFile {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), mostFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := parseKeys(b)
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", path, err)
	}
	return keys, nil
}

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
