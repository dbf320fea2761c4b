// Package demos serves the official demo pages as Debian's janus-demos installs them, unmodified but for the settings
// file, which is where each installation names its server.
package demos

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

const (
	pages   = "/usr/share/janus/demos"
	scripts = "/usr/share/javascript"
)

// Serve serves the pages for the Janus API at url and returns their base address.
func Serve(t testing.TB, url string) string {
	t.Helper()
	return serve(t, "settings.js", // the pages read token and apisecret although Debian's sample of this file lacks them
		fmt.Sprintf("var server = %q;\nvar iceServers = null;\nvar token = \"\";\nvar apisecret = \"\";\n", url))
}

// ServeAdmin serves the page of the Admin API at url.
func ServeAdmin(t testing.TB, url, secret string) string {
	t.Helper()
	return serve(t, "adminconfig.js", fmt.Sprintf("var server = %q;\nvar secret = %q;\n", url, secret))
}

func serve(t testing.TB, settings, content string) string {
	t.Helper()
	if _, err := os.Stat(pages); err != nil {
		t.Fatalf("the demo pages are missing (Debian: janus-demos): %v", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+settings, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, content)
	})
	mux.Handle("GET /javascript/", http.StripPrefix("/javascript/", http.FileServer(http.Dir(scripts))))
	mux.Handle("GET /", http.FileServer(http.Dir(pages)))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}
