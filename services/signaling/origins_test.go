package signaling

import (
	"strings"
	"testing"
)

func TestOriginsThatNoBrowserSendsAreRefused(t *testing.T) {
	for origin, want := range map[string]string{ // part of what is said; empty if it is taken
		"https://example.org":             "",
		"http://localhost:8080":           "",
		"https://[2001:db8::1]:8443":      "",
		"http://[::1]":                    "",
		"capacitor://localhost":           "",
		"chrome-extension://abcdefghijkl": "",
		"null":                            "",

		"example.org":                "scheme://host",
		"example.org:443":            "scheme://host",
		"localhost:8080":             "scheme://host",
		"//example.org":              "scheme://host",
		"://example.org":             "scheme://host",
		"https:example.org":          "scheme://host",
		"https://":                   "scheme://host",
		"https://:443":               "scheme://host",
		"https://example.org/":       "scheme://host",
		"https://example.org/room":   "scheme://host",
		"https://example.org?a":      "scheme://host",
		"https://example.org#a":      "scheme://host",
		"https://user@example.org":   "scheme://host",
		"https://example.org:":       "scheme://host",
		"https://example.org:0":      "scheme://host",
		"https://example.org:65536":  "scheme://host",
		"https://example.org:port":   "scheme://host",
		" https://example.org":       "scheme://host",
		"https://a.example https://": "scheme://host",
		"":                           "scheme://host",
		"*":                          "leave the setting out",
		"https://*.example.org":      "scheme://host",
		"HTTPS://Example.org":        "https://example.org",
		"https://example.org:443":    "own port, https://example.org",
		"http://example.org:80":      "own port, http://example.org",
	} {
		cfg := config(t)
		cfg.Origins = []string{"https://first.example", origin}
		err := cfg.Validate()
		if (err == nil) != (want == "") || err != nil && !(strings.HasPrefix(err.Error(), "origins: ") && strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", origin, err, want)
		}
	}
}
