//go:build e2e

package e2e

import "regexp"

// allowed are the differences from Debian's Janus (1.1.2) that are meant, each with its reason.
var allowed = []struct {
	pattern *regexp.Regexp
	reason  string
}{}

func allowedBecause(difference string) string {
	for _, a := range allowed {
		if a.pattern.MatchString(difference) {
			return a.reason
		}
	}
	return ""
}
