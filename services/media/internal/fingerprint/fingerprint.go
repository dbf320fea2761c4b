// Package fingerprint knows the values of a=fingerprint: a hash's name, and what it makes of a certificate (RFC 8122,
// section 5).
package fingerprint

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	_ "crypto/sha1"   // one of hashes
	_ "crypto/sha512" // likewise
)

// hashes are those that a certificate can be compared by.
var hashes = map[string]crypto.Hash{
	"sha-1": crypto.SHA1, "sha-224": crypto.SHA224, "sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512,
}

// ErrMismatch means that the endpoint is not the one that sent the SDP.
var ErrMismatch = errors.New("certificate does not match the fingerprint in the SDP")

// Of returns the fingerprint of a DER certificate that we send.
func Of(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha-256 " + pairs(sum[:])
}

// Verify compares a DER certificate with a fingerprint. Its errors wrap ErrMismatch.
func Verify(der []byte, fingerprint string) error {
	hash, want, ok := read(fingerprint)
	if !ok {
		return fmt.Errorf("%w: %q cannot be used", ErrMismatch, fingerprint)
	}
	h := hash.New()
	_, _ = h.Write(der) // of a hash: cannot fail
	if subtle.ConstantTimeCompare([]byte(pairs(h.Sum(nil))), []byte(strings.ToUpper(want))) != 1 {
		return ErrMismatch
	}
	return nil
}

// Strongest returns the first of those with the longest hash; false if none can be used. Endpoints that have several
// say the same certificate by each.
func Strongest(of []string) (string, bool) {
	strongest, size := "", 0
	for _, f := range of {
		if hash, _, ok := read(f); ok && hash.Size() > size {
			strongest, size = f, hash.Size()
		}
	}
	return strongest, size > 0
}

// read takes a fingerprint apart. It is false unless the value is one of that hash.
func read(fingerprint string) (hash crypto.Hash, value string, ok bool) {
	name, value, _ := strings.Cut(fingerprint, " ")
	if hash, ok = hashes[strings.ToLower(name)]; !ok || len(value) != 3*hash.Size()-1 {
		return 0, "", false
	}
	for i := range len(value) {
		if c := value[i]; i%3 == 2 && c != ':' || i%3 != 2 && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return 0, "", false
		}
	}
	return hash, value, true
}

// pairs writes b as SDP wants it: AB:CD:….
func pairs(b []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":")
}
