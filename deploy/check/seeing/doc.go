// Package seeing holds what shows Cardea's metrics, dashboards and alert rules, against the metrics that there are
// (docs/metrics.md, which tools/metrics holds against the code), by Prometheus's own parsers.
package seeing
