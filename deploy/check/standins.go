package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// contentOf is what stands for that of a file from a Secret, or from a ConfigMap of somebody else's, by the name of its volume:
// services look into their files before they say that they take their settings.
func contentOf(volume string) (string, error) {
	certificate, _, keys, err := identity()
	switch {
	case err != nil:
		return "", err
	case volume == "jwt-keys":
		return keys, nil
	case volume == "nats-creds": // of the user whose key is all zeros
		return "-----BEGIN NATS USER JWT-----\ne30.e30.e30\n------END NATS USER JWT------\n\n" +
			"-----BEGIN USER NKEY SEED-----\nSU" + strings.Repeat("A", 54) + "EQ\n------END USER NKEY SEED------\n", nil
	case volume == "rooms":
		return "rooms: [{room: 7, secret: s3cret}]", nil
	case volume == "traces-headers":
		return "authorization: Bearer s3cret", nil
	case strings.HasPrefix(volume, "file-") && strings.HasSuffix(volume, "-ca"):
		return certificate, nil
	}
	return strings.Repeat("s3cret", 6), nil // as long as JWTs want it
}

// made holds the outcome of identity.
var made struct {
	once                   sync.Once
	certificate, key, keys string
	err                    error
}

// identity returns a certificate with its key, PEM, which is its own authority, and a JWK Set with its public key. They are made once.
func identity() (certificate, key, keys string, err error) {
	made.once.Do(func() { made.certificate, made.key, made.keys, made.err = newIdentity() })
	return made.certificate, made.key, made.keys, made.err
}

func newIdentity() (certificate, key, keys string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stand-in"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", "", err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", "", err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y (SEC 1, section 2.3.3)
	if err != nil {
		return "", "", "", err
	}
	base64url := base64.RawURLEncoding.EncodeToString
	keys = fmt.Sprintf(`{"keys": [{"kty": "EC", "crv": "P-256", "x": %q, "y": %q}]}`, base64url(point[1:33]), base64url(point[33:]))
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), keys, nil
}
