package expiry_test

import (
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/certs/certstest"
	"github.com/cardea-rtc/cardea/proto/certs/expiry"
)

func TestMetricsTellWhenCertificatesExpire(t *testing.T) {
	ca := certstest.NewCA(t)
	until := time.Now().Add(time.Hour)
	f := ca.Issue(t, until, "localhost")
	r := prometheus.NewRegistry()
	expiry.Show(r, []certs.File{{Setting: "tls-cert", Path: f.Cert, Kind: certs.Own}})
	shown := func() (values []float64) {
		t.Helper()
		all, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range all {
			for _, m := range family.GetMetric() {
				if family.GetName() != "cardea_certificate_expires_seconds" || m.GetLabel()[0].GetName() != "file" || m.GetLabel()[0].GetValue() != "tls-cert" {
					t.Errorf("shows %v of %s", m, family.GetName())
				}
				values = append(values, m.GetGauge().GetValue())
			}
		}
		return values
	}
	for range 2 {
		if got := shown(); len(got) != 1 || got[0] != float64(until.Unix()) {
			t.Errorf("%v, not %d", got, until.Unix())
		}
		until = until.Add(time.Hour)
		ca.Renew(t, f, until, "localhost")
	}
	if err := os.Remove(f.Cert); err != nil {
		t.Fatal(err)
	}
	if got := shown(); len(got) != 0 {
		t.Errorf("%v of a file that is not there", got)
	}
	if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
