// Package expiry shows when certificates expire. It is apart from certs, so that tools do without Prometheus.
package expiry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/certs"
)

// Show has metrics tell when the certificates of files expire, read again each time somebody asks.
func Show(r prometheus.Registerer, files []certs.File) {
	if len(files) == 0 {
		return
	}
	r.MustRegister(&expiries{files, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cardea_certificate_expires_seconds",
		Help: "When the certificates in a file expire, in seconds since 1970, by the setting that names the file; of several authorities the last to expire. A file that cannot be read is not shown.",
	}, []string{"file"})})
}

// expiries is a prometheus.Collector.
type expiries struct {
	files []certs.File // fixed at birth
	*prometheus.GaugeVec
}

// Collect reads the files.
func (e *expiries) Collect(to chan<- prometheus.Metric) {
	for _, f := range e.files {
		if t, err := certs.Expires(f.Path, f.Kind); err == nil {
			e.WithLabelValues(f.Setting).Set(float64(t.Unix()))
		} else {
			e.DeleteLabelValues(f.Setting)
		}
	}
	e.GaugeVec.Collect(to)
}
