package fingerprint

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"strings"
	"testing"
)

var certificate = []byte("stands for DER")

// all are the fingerprints of certificate, weakest first.
func all() []string {
	one, two, three := sha1.Sum(certificate), sha256.Sum224(certificate), sha256.Sum256(certificate)
	four, five := sha512.Sum384(certificate), sha512.Sum512(certificate)
	return []string{
		"sha-1 " + pairs(one[:]), "sha-224 " + pairs(two[:]), "sha-256 " + pairs(three[:]), "sha-384 " + pairs(four[:]), "sha-512 " + pairs(five[:]),
	}
}

func TestCertificatesAreKnownByAnyHash(t *testing.T) {
	for _, f := range append(all(), Of(certificate), strings.ToLower(all()[2]), strings.ToUpper(all()[4])) {
		if err := Verify(certificate, f); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if err := Verify([]byte("another"), f); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s of another certificate: %v", f, err)
		}
	}
}

func TestWhatIsNoFingerprintMatchesNothing(t *testing.T) {
	for _, f := range []string{"", "sha-256", "sha-256 ", "md5 AA:AA", all()[2][:40], all()[2] + ":AA", "sha-512" + all()[2][7:], strings.ReplaceAll(all()[2], ":", "-"), strings.Replace(all()[2], ":", "G", 1)} {
		if err := Verify(certificate, f); !errors.Is(err, ErrMismatch) {
			t.Errorf("%q: %v", f, err)
		}
		if _, ok := Strongest([]string{f}); ok {
			t.Errorf("%q is taken", f)
		}
	}
}

func TestStrongestIsTakenInAnyOrder(t *testing.T) {
	f := all()
	for _, c := range []struct {
		of   []string
		want string
	}{
		{[]string{f[2], f[4]}, f[4]},
		{[]string{f[4], f[2]}, f[4]},
		{[]string{f[0], f[3], f[1]}, f[3]},
		{[]string{"md5 AA:AA", f[0]}, f[0]},
		{[]string{f[4][:40], f[2]}, f[2]},
	} {
		if got, ok := Strongest(c.of); !ok || got != c.want {
			t.Errorf("%q of %q", got, c.of)
		}
	}
}
