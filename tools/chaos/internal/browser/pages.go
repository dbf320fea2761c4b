package browser

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	demos   = "/usr/share/janus/demos"
	scripts = "/usr/share/javascript"
)

// servePages serves Janus's demo pages as Debian's janus-demos installs them, for the Janus API at url; settings.js is where each
// installation names its server.
func servePages(url string) (base string, stop func(), err error) {
	if _, err := os.Stat(demos); err != nil {
		return "", nil, fmt.Errorf("the demo pages are missing (Debian: janus-demos): %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /settings.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprintf(w, "var server = %q;\nvar iceServers = null;\nvar token = \"\";\nvar apisecret = \"\";\n", url)
	})
	mux.Handle("GET /javascript/", http.StripPrefix("/javascript/", http.FileServer(http.Dir(scripts))))
	mux.Handle("GET /", http.FileServer(http.Dir(demos)))
	l, err := net.Listen("tcp", "127.0.0.1:0") // browsers give a camera to pages of this machine
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = server.Close(); <-done }, nil
}
