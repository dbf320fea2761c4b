package certs_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
)

func TestCertificatesThatHaveExpiredOrWillAreWarnedOf(t *testing.T) {
	const day = 24 * time.Hour
	ca := certstest.NewCA(t)
	f := ca.Issue(t, time.Now().Add(-time.Hour), "localhost")
	f.CA = "" // the test's authority is valid for a day alone
	var out bytes.Buffer
	s, err := certs.Open(f, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		left time.Duration
		want string // empty for no warning
	}{{-time.Hour, "certificate has expired"}, {6 * day, "certificate expires soon"}, {8 * day, ""}, {-day, "certificate has expired"}} {
		if c.left != -time.Hour { // the first is loaded already
			out.Reset()
			ca.Renew(t, f, time.Now().Add(c.left), "localhost")
			future := time.Now().Add(c.left)
			if err := os.Chtimes(f.Cert, future, future); err != nil { // so that it has changed, however coarse the clock of files
				t.Fatal(err)
			}
			if _, err := s.Own(); err != nil {
				t.Fatal(err)
			}
		}
		warned := strings.Contains(out.String(), "level=WARN")
		if warned != (c.want != "") || !strings.Contains(out.String(), c.want) || warned && (!strings.Contains(out.String(), "file="+f.Cert) || !strings.Contains(out.String(), "not_after=2")) {
			t.Errorf("%v left: %s", c.left, out.String())
		}
	}
}

func TestOfAFileTheRightCertificateCounts(t *testing.T) {
	ca := certstest.NewCA(t)
	near, far := time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(2*time.Hour).Truncate(time.Second)
	path := filepath.Join(t.TempDir(), "both.pem")
	var both []byte
	for _, until := range []time.Time{near, far} {
		b, err := os.ReadFile(ca.Issue(t, until).Cert)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, b...)
	}
	if err := os.WriteFile(path, both, 0o600); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]time.Time{certs.Own: near, certs.Authorities: far} {
		if got, err := certs.Expires(path, kind); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v, not %v", kind, got, err, want)
		}
		if err := certs.Expired(path, kind, want.Add(-time.Second)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if err := certs.Expired(path, kind, want); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s has not expired when it has: %v", kind, err)
		}
		if _, err := certs.Expires(os.DevNull, kind); err == nil {
			t.Errorf("%s: nothing is a certificate", kind)
		}
	}
}
